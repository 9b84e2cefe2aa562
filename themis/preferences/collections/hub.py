"""Rows of a data set on the hub, streamed by the `datasets` library, which runs no code of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from themis.errors import Problem
from themis.preferences.collections.reading import NotThere, Row, lacking


def rows_of(
    hub: str,
    columns: Sequence[str],
    *,
    config: str | None = None,
    revision: str | None = None,
    patterns: Sequence[str] = (),
    split: str = "train",
) -> Iterator[Row]:
    """The rows of the split with the columns asked for; labels come by their names. Raises Problem, NotThere where the
    data set cannot be had."""
    import datasets

    options: dict[str, Any] = {"data_files": {split: list(patterns)}} if patterns else {"name": config}
    where = f"hub data set {hub}"
    try:
        found = datasets.load_dataset(hub, split=split, revision=revision, streaming=True, **options)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise NotThere(f"{where}: {_first_line(error)}") from None
    names = {key: one.names for key, one in (found.features or {}).items() if isinstance(one, datasets.ClassLabel)}
    try:
        for row in found:
            if not row.keys() >= set(columns):
                raise lacking(columns, list(row), where)
            for column in names.keys() & set(columns):
                if isinstance(row[column], int) and 0 <= row[column] < len(names[column]):
                    row[column] = names[column][row[column]]
            yield row
    except (OSError, ValueError, RuntimeError, pa.ArrowException, datasets.exceptions.DatasetsError) as error:
        raise Problem(f"{where}: not readable: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
