"""Commit pairs with their instructions: the rows that both training sets and the benchmark begin with."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from themis.errors import Problem


def with_instructions(accepted: pa.Table, instructions: pa.Table, split: str) -> pl.DataFrame:
    """The accepted commits of one split, sorted by id, with a column `instruction` (null: there is none) and
    `leaking`, whether one of their repositories has commits in the benchmark split. Raises Problem where an id has
    two instructions."""
    rows = pl.DataFrame(pl.from_arrow(accepted))
    written = (
        pl.DataFrame(pl.from_arrow(instructions.select(["id", "instruction"])))
        .with_columns(pl.col("instruction").str.strip_chars())
        .filter(pl.col("instruction").str.len_bytes() > 0)
    )
    twice = written.filter(written["id"].is_duplicated())["id"]
    if len(twice):
        raise Problem(f"instructions: {twice[0]} has more than one; give the file of one writer")
    barred = rows.filter(pl.col("split") == "benchmark")["repositories"].explode().drop_nulls().unique().to_list()
    return (
        rows.filter(pl.col("split") == split)
        .join(written, on="id", how="left")
        .with_columns(leaking=pl.col("repositories").list.eval(pl.element().is_in(barred)).list.any())
        .sort("id")
    )
