"""Numbers about the instructions: how many were written, and why others were not, by writer and style."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from themis.llm.metrics import Number, mean, metrics_table, reasons

COLUMNS = ["writer", "style", "instruction", "finish_reason", "missing_reason"]


def instruct_metrics(instructions: pa.Table) -> pa.Table:
    """Numbers about the instructions (schema "metrics"), by subject and metric.

    A writer, and its styles (`writer/style`): pairs, written, mean_words of those, and how many are missing for which
    reason or finished how.
    """
    frame = pl.DataFrame(pl.from_arrow(instructions.select(COLUMNS)))
    numbers: list[Number] = []
    for keys in (["writer"], ["writer", "style"]):
        for key, rows in frame.group_by(keys):
            numbers += _of("/".join(map(str, key)), rows)
    return metrics_table("instruct", numbers)


def _of(subject: str, rows: pl.DataFrame) -> Iterator[Number]:
    written = rows["instruction"].drop_nulls()
    yield subject, "pairs", float(rows.height)
    yield subject, "written", float(written.len())
    yield subject, "mean_words", mean(written.str.count_matches(r"\S+"))
    yield from reasons(subject, rows)
