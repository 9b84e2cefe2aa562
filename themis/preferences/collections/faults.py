"""Collections of faults: a program that is taken to be sound against the same program with a fault put in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.preferences.collections.commits import instructions_in, training_rows
from themis.preferences.collections.writing import write_collection
from themis.records import Ledger, metadata, read, stream
from themis.records.sorting import even_bounds, sorted_by_ranges
from themis.vocabulary import Criterion

_RANGES = 16
_SIDE = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("fault", pa.bool_()),
        pa.field("code", pa.string()),
        pa.field("input", pa.string()),
        pa.field("language", pa.string()),
        pa.field("repositories", pa.list_(pa.string())),
        pa.field("missing_reason", pa.string()),
    ]
)


def collect_faults(
    programs: Path,
    faults: Path,
    out: Path,
    name: str,
    *,
    instructions: Path | None,
    seed: int,
    ledger: Ledger,
) -> int:
    """Write pairs about functional correctness as the collection `name`, and return how many are kept.

    `programs` are accepted commits, whose new files of the training split are chosen and whose prompts are the
    `instructions`, or a collection, whose chosen responses and inputs are; `faults` (schema "bugs") are the rejected
    ones by id. Raises Problem.
    """
    together = sorted_by_ranges(_sides(programs, faults, instructions), ("id", "fault"), even_bounds(_RANGES), out)

    def frames() -> Iterator[pl.DataFrame]:
        for table in together:  # the rows of an id lie in one table
            rows = pl.DataFrame(pl.from_arrow(table))
            faulty = rows.filter("fault").select("id", "missing_reason", rejected="code")
            if faulty["id"].is_duplicated().any():
                raise Problem(f"{faults}: a program has two faults; give the file of one writer")
            both = rows.filter(~pl.col("fault")).drop("missing_reason").join(faulty, on="id", how="left")
            reason = pl.when(pl.col("input").is_null()).then(pl.lit("no instruction")).otherwise(
                pl.when(pl.col("rejected").is_null()).then(
                    pl.concat_str(pl.lit("no fault: "), pl.col("missing_reason").fill_null("none was asked for"))
                )
            )  # fmt: skip
            yield both.select(
                "input", "rejected", "language", "repositories",
                idx="id", chosen="code", aspect=pl.lit(Criterion.FUNCTIONAL_CORRECTNESS.value), source=pl.lit(name),
                reason=reason,
            )  # fmt: skip

    inputs = [path for path in (programs, faults, instructions) if path]
    return write_collection(frames(), out, name, seed=seed, ledger=ledger, inputs=inputs)


def _sides(programs: Path, faults: Path, instructions: Path | None) -> Iterator[pa.Table]:
    sound = _collected(programs) if metadata(programs).get("schema") == "collection" else _new(programs, instructions)
    for rows in sound:
        yield _side(rows.with_columns(fault=pl.lit(False), missing_reason=pl.lit(None, dtype=pl.String)))
    for table in stream(faults, "bugs", ["id", "code", "missing_reason"]):
        rows = pl.DataFrame(pl.from_arrow(table))
        yield _side(
            rows.with_columns(
                fault=pl.lit(True),
                input=pl.lit(None, dtype=pl.String),
                language=pl.lit(None, dtype=pl.String),
                repositories=pl.lit(None, dtype=pl.List(pl.String)),
            )
        )


def _collected(programs: Path) -> Iterator[pl.DataFrame]:
    for table in stream(programs, "collection", ["idx", "chosen", "input", "language", "repositories"]):
        yield pl.DataFrame(pl.from_arrow(table)).rename({"idx": "id", "chosen": "code"})


def _new(programs: Path, instructions: Path | None) -> Iterator[pl.DataFrame]:
    if instructions is None:
        raise Problem(f"{programs}: commits have no prompts of their own; give --instructions")
    written = instructions_in(read(instructions, "instructions", ["id", "instruction"]))
    for rows in training_rows(programs, ["id", "split", "language", "repositories", "new_contents"]):
        yield rows.join(written, on="id", how="left").select(
            "id", "language", "repositories", code="new_contents", input="instruction"
        )


def _side(rows: pl.DataFrame) -> pa.Table:
    return rows.select(_SIDE.names).to_arrow().cast(_SIDE)
