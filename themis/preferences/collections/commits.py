"""The collection of commits: the file after an improvement against the file before, under the instruction written for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.preferences.collections.writing import write_collection
from themis.records import Ledger, read, stream

NAME = "commits"
REQUIREMENTS = ("confirmed", "not_contradicted")

_COLUMNS = ["id", "split", "language", "aspect", "repositories", "new_contents", "old_contents"]


def collect_commits(
    accepted: Path,
    instructions: Path,
    decisions: Path,
    out: Path,
    *,
    require: str,
    seed: int,
    ledger: Ledger,
) -> int:
    """Write the accepted commits of the training split as a collection and return how many are kept: chosen is the file
    after the commit, rejected the file before (paper section 3), the input the instruction written back from both.

    `require` is `confirmed`, which keeps the pairs that the decision is for, or `not_contradicted`. Raises Problem.
    """
    if require not in REQUIREMENTS:
        raise Problem(f"--require: {require} is none of {', '.join(REQUIREMENTS)}")
    written = instructions_in(read(instructions, "instructions", ["id", "instruction"]))
    sides = pl.DataFrame(pl.from_arrow(read(decisions, "decisions", ["id", "criterion", "decision"])))

    def frames() -> Iterator[pl.DataFrame]:
        for rows in training_rows(accepted, _COLUMNS):
            rows = rows.join(written, on="id", how="left", maintain_order="left")
            rows = rows.join(
                sides, left_on=["id", "aspect"], right_on=["id", "criterion"], how="left", maintain_order="left"
            )
            side, unconfirmed = pl.col("decision"), pl.lit(require == "confirmed")
            yield rows.select(
                "language", "aspect", "repositories",
                idx="id", input="instruction", chosen="new_contents", rejected="old_contents", source=pl.lit(NAME),
                reason=pl.when(pl.col("aspect").is_null()).then(pl.lit("no criterion"))
                .when(pl.col("instruction").is_null()).then(pl.lit("no instruction"))
                .when(side == "rejected").then(pl.lit("judged worse"))
                .when(unconfirmed & side.ne_missing("chosen")).then(pl.lit("not confirmed")),
            )  # fmt: skip

    inputs = [accepted, instructions, decisions]
    return write_collection(frames(), out, NAME, seed=seed, ledger=ledger, inputs=inputs)


def training_rows(accepted: Path, columns: list[str]) -> Iterator[pl.DataFrame]:
    """The accepted commits of the training split, some at a time."""
    for table in stream(accepted, "labelled", columns, rows=1024):
        yield pl.DataFrame(pl.from_arrow(table)).filter(pl.col("split") == "train")


def instructions_in(table: pa.Table) -> pl.DataFrame:
    """id and instruction, stripped, of the rows that have one. Raises Problem where an id has two."""
    written = (
        pl.DataFrame(pl.from_arrow(table.select(["id", "instruction"])))
        .with_columns(pl.col("instruction").str.strip_chars())
        .filter(pl.col("instruction").str.len_bytes() > 0)
    )
    twice = written.filter(written["id"].is_duplicated())["id"]
    if len(twice):
        raise Problem(f"instructions: {twice[0]} has more than one; give the file of one writer")
    return written


def with_instructions(accepted: pa.Table, instructions: pa.Table, split: str) -> pl.DataFrame:
    """The accepted commits of one split, sorted by id, with a column `instruction` (null: there is none)."""
    rows = pl.DataFrame(pl.from_arrow(accepted)).filter(pl.col("split") == split)
    return rows.join(instructions_in(instructions), on="id", how="left").sort("id")
