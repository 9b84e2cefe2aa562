"""The shards of a table joined into one, in an order that no number of shards changes, in bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.records.tables import check, stream, write

# What tells two rows of a table apart, in the order in which the table is sorted.
_KEYS = {
    "reviews": ("id", "reviewer", "criterion", "sample"),
    "instructions": ("id", "writer", "style"),
    "judgements": ("id", "judge", "criterion", "sample"),
    "attempts": ("repo_name", "source"),
}
_PART_BYTES = 1 << 26  # sorted in memory at a time, while there are not too many files
_MOST_PARTS = 256  # files open at a time


def gather_shards(parts: Sequence[Path], out: Path, schema: str) -> None:
    """Join the shards of a table into one, sorted by what identifies a row.

    More than 64 MiB are sorted in parts by ranges of the first key, which lie in a folder beside `out` meanwhile.
    Raises Problem where a shard is no such table, or a row is there twice: a shard was given twice, or the shards are
    of different runs.
    """
    out, keys = Path(out), _KEYS.get(schema, ("id",))
    for part in parts:
        check(part, schema)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.sort.", dir=out.parent) as folder:
        bounds = _bounds(parts, keys[0], schema)
        ranges = _split(parts, keys[0], bounds, Path(folder), schema) if len(bounds) else [_whole(parts, schema)]
        order = [(key, "ascending") for key in keys]
        write(_distinct((table.sort_by(order) for table in ranges), keys, out), out, schema)


def _whole(parts: Sequence[Path], schema: str) -> pa.Table:
    return pa.concat_tables(table for part in parts for table in stream(part, schema))


def _bounds(parts: Sequence[Path], key: str, schema: str) -> np.ndarray:
    """The first keys of every part but the first, such that all are about as large, none larger than is sorted."""
    size = 0
    for part in parts:
        groups = pq.read_metadata(part)
        size += sum(groups.row_group(i).total_byte_size for i in range(groups.num_row_groups))
    count = min(-(-size // _PART_BYTES), _MOST_PARTS)
    if count < 2:
        return np.array([], "S")
    keys = np.concatenate([_bytes(table[key]) for part in parts for table in stream(part, schema, [key])])
    keys.sort()
    return np.unique(keys[[len(keys) * i // count for i in range(1, count)]])


def _split(parts: Sequence[Path], key: str, bounds: np.ndarray, folder: Path, schema: str) -> Iterator[pa.Table]:
    """The rows of all shards by range of their key, each range read back from a file of its own."""
    paths = [folder / str(i) for i in range(len(bounds) + 1)]
    with contextlib.ExitStack() as stack:
        writers: list[pa.RecordBatchFileWriter | None] = [None] * len(paths)
        for part in parts:
            for table in stream(part, schema):
                place = np.searchsorted(bounds, _bytes(table[key]), side="right")
                for i in np.unique(place).tolist():
                    rows = table.filter(pa.array(place == i))
                    writers[i] = writers[i] or stack.enter_context(pa.ipc.new_file(paths[i], rows.schema))
                    writers[i].write_table(rows)
    for path in paths:
        if path.exists():
            with pa.memory_map(str(path)) as source:
                yield pa.ipc.open_file(source).read_all()
            path.unlink()


def _bytes(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.cast(pa.binary()).to_pylist(), "S")


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
