"""Sort rows in bounded memory: each goes to a file for a range of its key, and each range is sorted by itself."""

from __future__ import annotations

import contextlib
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_RANGE_BYTES = 1 << 26  # sorted in memory at a time
_MOST_RANGES = 256  # files open at a time


def sorted_by_ranges(
    tables: Iterable[pa.Table], keys: Sequence[str], bounds: Sequence[str], beside: Path
) -> Iterator[pa.Table]:
    """The rows of the tables sorted by `keys`, a table for each range of the first key; one key's rows lie in one table.

    `bounds` are the ascending first values of all ranges but the first, as near to the truth as is known; a range that
    turns out to be too large is split again. The files lie in a folder beside the file `beside` meanwhile.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{beside.name}.sort.", dir=beside.parent) as folder:
        paths = [Path(folder) / str(i) for i in range(len(bounds) + 1)]
        with contextlib.ExitStack() as stack:
            writers: list[pa.RecordBatchFileWriter | None] = [None] * len(paths)
            for table in tables:
                table = table.sort_by(keys[0])
                values = table[keys[0]].to_pylist()
                starts = [0, *(bisect_left(values, bound) for bound in bounds), len(values)]
                for i in range(len(paths)):
                    if starts[i] < starts[i + 1]:
                        writers[i] = writers[i] or stack.enter_context(pa.ipc.new_file(paths[i], table.schema))
                        writers[i].write_table(table.slice(starts[i], starts[i + 1] - starts[i]))
        for path in paths:
            if path.exists():
                yield from _range(path, keys)
                path.unlink()


def hash_bounds(parts: Iterable[Path]) -> list[str]:
    """Bounds for a key that is a hash in hex, by the size of the Parquet files it is in: hashes are spread evenly."""
    return even_bounds(sum(map(_size, parts)) // _RANGE_BYTES + 1)


def even_bounds(count: int) -> list[str]:
    """Bounds of so many equal ranges of hashes in hex, but no more than there may be files."""
    count = min(count, _MOST_RANGES)
    return [f"{i * 0x10000 // count:04x}" for i in range(1, count)]


def _range(path: Path, keys: Sequence[str]) -> Iterator[pa.Table]:
    count = path.stat().st_size // (2 * _RANGE_BYTES) + 1
    bounds: list[str] = []
    if count > 1:
        with pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source)
            values = sorted(
                key for i in range(file.num_record_batches) for key in file.get_batch(i)[keys[0]].to_pylist()
            )
        bounds = sorted({values[len(values) * i // count] for i in range(1, min(count, _MOST_RANGES))} - {values[0]})
    with pa.OSFile(str(path)) as source:
        file = pa.ipc.open_file(source)
        if bounds:
            batches = (pa.Table.from_batches([file.get_batch(i)]) for i in range(file.num_record_batches))
            yield from sorted_by_ranges(batches, keys, bounds, path)
        else:
            yield file.read_all().sort_by([(key, "ascending") for key in keys])


def _size(path: Path) -> int:
    found = pq.read_metadata(path)
    return sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
