"""The ids and splits of a table's rows, the ids on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.errors import Problem


@dataclass(frozen=True)
class Rows:
    """What is known of each row without its texts."""

    ids: pa.Array  # large strings, mapped from disk
    benchmark: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.benchmark)


def read_rows(retrieved: Path, folder: Path) -> Rows:
    """Ids, mapped from files in `folder`, and splits of a `retrieved` table.

    Raises Problem where the rows are not in the order of their ids.
    """
    benchmark = [np.zeros(0, bool)]
    last, ends = "", np.zeros(1, np.int64)
    with (folder / "ids").open("wb") as text, (folder / "offsets").open("wb") as offsets:
        ends.tofile(offsets)
        for table in records.stream(retrieved, "retrieved", ["id", "split"]):
            ids = table["id"].cast(pa.large_string()).combine_chunks()
            if len(ids) and (
                ids[0].as_py() < last or not pc.all(pc.less_equal(ids[:-1], ids[1:]), min_count=0).as_py()
            ):
                raise Problem(f"{retrieved}: the rows are not in the order of their ids; run the retrieve step again")
            last = ids[-1].as_py() if len(ids) else last
            text.write("".join(ids.to_pylist()).encode())
            ends = ends[-1] + np.cumsum(pc.binary_length(ids).to_numpy())
            ends.tofile(offsets)
            benchmark.append(pc.equal(table["split"], "benchmark").to_numpy())
    rows = np.concatenate(benchmark)
    if not len(rows):
        return Rows(pa.array([], pa.large_string()), rows)
    buffers = [None, *(pa.memory_map(str(folder / name)).read_buffer() for name in ("offsets", "ids"))]
    return Rows(pa.Array.from_buffers(pa.large_string(), len(rows), buffers), rows)
