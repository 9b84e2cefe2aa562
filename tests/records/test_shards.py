"""Shards of a table join to the same bytes however they were cut, in bounded memory."""

import itertools
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis import records
from themis.errors import Problem

COLUMNS = records.SCHEMAS["benchmark"].names


def rows_of(count):
    return [{name: f"{name}{i:05d}" for name in COLUMNS} for i in range(count)]


def write(rows, path):
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["benchmark"]), path, "benchmark")
    return path


def test_shards_join_to_the_same_bytes_however_they_were_cut(tmp_path):
    rows = rows_of(9000)
    for name, cuts in (("even", (0, 3000, 6000, 9000)), ("odd", (0, 8999, 8999, 9000))):
        parts = [
            write(rows[start:stop][::-1], tmp_path / f"{name}{number}.parquet")
            for number, (start, stop) in enumerate(itertools.pairwise(cuts))
        ]
        records.gather_shards(parts[::-1], tmp_path / f"{name}.parquet", "benchmark")
    assert (tmp_path / "even.parquet").read_bytes() == (tmp_path / "odd.parquet").read_bytes()
    assert records.read(tmp_path / "even.parquet", "benchmark").to_pylist() == rows


def test_rows_are_sorted_by_all_that_identifies_them(tmp_path):
    schema = records.SCHEMAS["judgements"]
    fixed = {"criterion": "c", "chosen_first": True, "probabilities": [0.5, 0.25, 0.25]}
    rows = [
        {**dict.fromkeys(schema.names), **fixed, "id": i, "judge": judge, "sample": sample}
        for i, judge, sample in itertools.product("ab", "xy", (0, 1, 2, 10))
    ]
    for number in (0, 1):
        shard = pa.Table.from_pylist(rows[::-1][number::2], schema)
        records.write(shard, tmp_path / f"{number}.parquet", "judgements")
    records.gather_shards([tmp_path / "0.parquet", tmp_path / "1.parquet"], tmp_path / "all.parquet", "judgements")
    assert records.read(tmp_path / "all.parquet", "judgements").to_pylist() == rows


@pytest.mark.parametrize("count", [1, 4096, 5000])
def test_a_shard_given_twice_is_noticed(tmp_path, count):
    part = write(rows_of(count), tmp_path / "part.parquet")
    with pytest.raises(Problem, match=f"{count} rows are in the shards twice"):
        records.gather_shards([part, part], tmp_path / "all.parquet", "benchmark")
    assert list(tmp_path.iterdir()) == [part]


def test_a_shard_of_another_table_is_refused(tmp_path):
    part = write(rows_of(1), tmp_path / "part.parquet")
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / "other.parquet")
    with pytest.raises(Problem, match=r"other.parquet: columns prompt"):
        records.gather_shards([part, tmp_path / "other.parquet"], tmp_path / "all.parquet", "benchmark")


def test_memory_does_not_grow_with_the_rows(tmp_path):
    """From 0.3 GB of text to 1.2 GB the peak grows by less than a third of what came on top."""
    program = f"""
import random, re, sys
import pyarrow as pa
from pathlib import Path
from themis import records
folder, blocks = Path({str(tmp_path)!r}), int(sys.argv[1])
source = random.Random(0)
def part():
    for _ in range(blocks):
        ids = [f"{{source.getrandbits(64):016x}}" for _ in range(1000)]
        texts = [source.randbytes(5_000).hex() for _ in ids]
        yield pa.table({{**{{name: ids for name in {COLUMNS!r}}}, "prompt": texts}})
paths = [folder / f"{{number}}.parquet" for number in range(3)]
for path in paths:
    records.write(part(), path, "benchmark")
records.gather_shards(paths, folder / "all.parquet", "benchmark")
found = [id for table in records.stream(folder / "all.parquet", "benchmark", ["id"]) for id in table["id"].to_pylist()]
assert len(found) == 3000 * blocks and found == sorted(found)
# Not getrusage's figure: that of the process this one was forked from is in it.
print(int(re.search(r"VmHWM: *(\\d+)", Path("/proc/self/status").read_text().expandtabs(1))[1]) // 1024)
"""
    peaks = []
    for blocks in ("10", "40"):
        done = subprocess.run([sys.executable, "-c", program, blocks], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 300, peaks
