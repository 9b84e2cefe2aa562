"""The shards of a table joined into one, in an order that no number of shards changes, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

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
