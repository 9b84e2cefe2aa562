"""The collection of instructions: the file one was written for against a file of another commit in the same language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from themis import chance
from themis.preferences.collections.commits import instructions_in, training_rows
from themis.preferences.collections.writing import frames_of, write_collection
from themis.records import Ledger, read
from themis.records.sorting import even_bounds, sorted_by_ranges
from themis.vocabulary import Criterion

NAME = "instructions"

Row = dict[str, Any]

_COLUMNS = ["id", "split", "language", "repository", "repositories", "path", "new_contents"]
_RANGES = 16


def collect_instructions(accepted: Path, instructions: Path, out: Path, *, seed: int, ledger: Ledger) -> int:
    """Write a pair about helpfulness for each training commit with an instruction, and return how many are kept.

    Rejected is the new file of the next commit of the language, in an order of chance that ends where it began, that
    is not about the same file: another version of it would answer the instruction as well. So every file is rejected
    about once. Raises Problem.
    """
    written = instructions_in(read(instructions, "instructions", ["id", "instruction"]))
    rows = _shuffled(accepted, written, out, seed)
    frames = frames_of(_answered_by_the_next(rows))
    return write_collection(frames, out, NAME, seed=seed, ledger=ledger, inputs=[accepted, instructions])


def _shuffled(accepted: Path, written: pl.DataFrame, out: Path, seed: int) -> Iterator[Row]:
    def tables() -> Iterator[Any]:
        for rows in training_rows(accepted, _COLUMNS):
            turns = [f"{chance.digest(seed, 'irrelevant', row):016x}" for row in rows["id"]]
            rows = rows.join(written, on="id", how="left", maintain_order="left").drop("split")
            yield rows.with_columns(turn=pl.Series(turns, dtype=pl.String)).to_arrow()

    for table in sorted_by_ranges(tables(), ("turn", "id"), even_bounds(_RANGES), out):
        for batch in table.to_batches(max_chunksize=256):
            yield from batch.to_pylist()


def _answered_by_the_next(rows: Iterator[Row]) -> Iterator[Row]:
    waiting: dict[str, list[Row]] = {}
    first: dict[str, list[Row]] = {}  # of each language, the first row and the first about another file than that one
    for row in rows:
        language = row["language"]
        known = first.setdefault(language, [])
        if not known or (len(known) == 1 and _file(row) != _file(known[0])):
            known.append(row)
        still = []
        for one in waiting.get(language, []):
            if _file(one) == _file(row):
                still.append(one)
            else:
                yield _pair(one, row)
        if row["instruction"] is None:
            yield {"reason": "no instruction"}
        else:
            still.append(row)
        waiting[language] = still
    for language, left in sorted(waiting.items()):
        for one in left:
            other = next((known for known in first[language] if _file(known) != _file(one)), None)
            yield _pair(one, other) if other else {"reason": "no other row of the language"}


def _file(row: Row) -> tuple[str, str]:
    return row["repository"], row["path"]


def _pair(row: Row, other: Row) -> Row:
    return {
        "idx": row["id"],
        "input": row["instruction"],
        "chosen": row["new_contents"],
        "rejected": other["new_contents"],
        "language": row["language"],
        "aspect": Criterion.HELPFULNESS.value,
        "source": NAME,
        "repositories": sorted({*row["repositories"], *other["repositories"]}),
    }
