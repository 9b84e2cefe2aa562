"""Numbers about the answers of language models, one a row: what all stages here count alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa

from themis.records import SCHEMAS

Number = tuple[str, str, float | None]  # subject, metric, value


def metrics_table(stage: str, numbers: Iterable[Number]) -> pa.Table:
    """The numbers of a stage as a table (schema "metrics"), by subject and metric."""
    rows = [
        {"stage": stage, "subject": subject, "metric": metric, "step": None, "value": value}
        for subject, metric, value in sorted(numbers, key=lambda number: number[:2])
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["metrics"])


def reasons(subject: str, answers: pl.DataFrame) -> Iterator[Number]:
    """How many answers are missing for which reason (`missing: ...`), and how many ended how (`finished: ...`)."""
    for column, label in (("missing_reason", "missing"), ("finish_reason", "finished")):
        for value, rows in answers.filter(pl.col(column).is_not_null()).group_by(column).len().iter_rows():
            yield subject, f"{label}: {value}", float(rows)


def cells(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """All rows (`all`), and those of every criterion, language, and `criterion/language`, by these two columns."""
    yield "all", frame
    for keys in (["criterion"], ["language"], ["criterion", "language"]):
        for key, rows in frame.group_by(keys):
            yield "/".join(map(str, key)), rows


def mean(values: pl.Series) -> float | None:
    """The mean of what is there, whatever its order; null where nothing is."""
    there = values.drop_nulls().cast(pl.Float64)
    return None if there.is_empty() else float(there.sort().mean())  # type: ignore[arg-type]
