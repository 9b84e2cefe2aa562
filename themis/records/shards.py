"""The shards of a table: which rows fall to one, and all joined in an order that no number of shards changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from themis import chance
from themis.errors import Problem
from themis.records.sorting import hash_bounds, sorted_by_ranges
from themis.records.tables import check, stream, write

# What tells two rows of a table apart, in the order in which the table is sorted.
_KEYS = {
    "reviews": ("id", "reviewer", "criterion", "sample"),
    "instructions": ("id", "writer", "style"),
    "judgements": ("id", "judge", "criterion", "sample"),
    "collection": ("idx",),
    "attempts": ("repo_name", "source"),
    "rerank": ("model", "question", "id"),
}


def gather_shards(parts: Sequence[Path], out: Path, schema: str) -> None:
    """Join the shards of a table into one, sorted by what identifies a row.

    Raises Problem where a shard is no such table, or a row is there twice: a shard was given twice, or the shards are
    of different runs.
    """
    out, keys = Path(out), _KEYS.get(schema, ("id",))
    for part in parts:
        check(part, schema)
    rows = (table for part in parts for table in stream(part, schema))
    write(_distinct(sorted_by_ranges(rows, keys, hash_bounds(parts), out), keys, out), out, schema)


def in_shard(ids: Sequence[str], shard: int, shards: int) -> pa.BooleanArray:
    """Which of the rows fall to `shard`, of 0 to `shards` - 1: a matter of their id alone. Raises Problem for no such
    shard."""
    if not 0 <= shard < shards:
        raise Problem(f"shard {shard} is not one of 0 to {shards - 1}")
    return pa.array([chance.digest(0, "shard", row) % shards == shard for row in ids], pa.bool_())


def _distinct(tables: Iterable[pa.Table], keys: Sequence[str], out: Path) -> Iterator[pa.Table]:
    """The tables as they come; raises at the end where two rows of one have the same keys."""
    twice = 0
    for table in tables:
        same = pa.array([True] * max(table.num_rows - 1, 0), pa.bool_())
        for key in keys:
            column = table[key].combine_chunks()
            same = pc.and_(same, pc.equal(column[:-1], column[1:]))
        twice += pc.sum(same).as_py() or 0
        yield table
    if twice:
        raise Problem(f"{out}: {twice} rows are in the shards twice; is each given once?")
