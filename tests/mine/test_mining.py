"""The mined table and the table of forks, whatever the order and number of the warehouse's files."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import networkx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.mine.mining import mine
from themis.mine.warehouse import DuckDB
from themis.records import SCHEMAS, read, write


def _commit(i: int, holders: list[str], path: str = "a b.py") -> dict:
    person = {"name": "Ada", "email": "ada@example.org", "time_sec": i}
    change = {
        "old_mode": 33188, "new_mode": 33188, "old_path": path, "new_path": path, "old_sha1": "1" * 40, "new_sha1": "2" * 40,
    }  # fmt: skip
    return {
        "commit": hashlib.sha1(str(i).encode()).hexdigest(), "subject": "s", "message": "a message that is long enough",
        "author": person, "committer": person, "parent": [], "repo_name": holders, "difference": [change],
        "difference_truncated": None,
    }  # fmt: skip


def _warehouse(folder: Path, rows: list[dict]) -> DuckDB:
    held = sorted({name for row in rows for name in row["repo_name"]})
    for schema, found in {
        "commits": rows,
        "licenses": [{"repo_name": name, "license": "mit"} for name in held],
        "languages": [{"repo_name": name, "language": [{"name": "Go", "bytes": 1}]} for name in held],
    }.items():
        write(pa.Table.from_pylist(found, schema=SCHEMAS[schema]), folder / f"{schema}.parquet", schema)
    return DuckDB(folder, threads=2)


def _mine(warehouse, folder: Path) -> dict:
    ledger = mine(
        warehouse, folder / "mined.parquet", folder / "ledger.parquet", folder / "forks.parquet",
        licenses=["permissive"], languages=["Go"], min_message=10, max_message=15000,
    )  # fmt: skip
    return {row["reason"]: (row["rows_in"], row["rows_kept"], row["rows_dropped"]) for row in ledger.to_pylist()}


class _Shuffled:
    """A warehouse that gives the rows of another in many files and another order."""

    dataset = ""

    def __init__(self, warehouse: DuckDB) -> None:
        self._warehouse = warehouse

    @contextmanager
    def run(self, sql: str, work: Path) -> Iterator[list[Path]]:
        with self._warehouse.run(sql, work) as (found,):
            table = pq.read_table(found)
            table = table.take(random.Random(3).sample(range(table.num_rows), table.num_rows))
            parts = [found.with_name(f"{i}.parquet") for i in range(7)]
            for i, part in enumerate(parts):
                pq.write_table(table.slice(i * 150, 150), part)
            yield parts


def test_an_id_is_a_hash_of_commit_and_path(tmp_path: Path):
    paths = ["a.py", "with blank.py", "naïve/日本.py", "quote'\".py", "back\\slash.py", "a\nb.py"]
    rows = [_commit(i, ["a/a"], path) for i, path in enumerate(paths)]
    assert _mine(_warehouse(tmp_path, rows), tmp_path) == {None: (6, 6, 0)}
    mined = read(tmp_path / "mined.parquet", "mined").to_pylist()
    assert {row["path"] for row in mined} == set(paths)
    for row in mined:
        assert row["id"] == hashlib.sha256(row["commit"].encode() + b"\0" + row["path"].encode()).hexdigest()[:32]
    assert [row["id"] for row in mined] == sorted(row["id"] for row in mined)


def test_bytes_do_not_depend_on_how_the_warehouse_gives_them(tmp_path: Path):
    warehouse = _warehouse(tmp_path, [_commit(i, [f"a/{i % 3}", f"b/{i % 5}"]) for i in range(1000)])
    _mine(warehouse, tmp_path / "one")
    _mine(_Shuffled(warehouse), tmp_path / "two")
    for name in ("mined.parquet", "forks.parquet", "ledger.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_forks_connect_what_shares_a_commit_and_nothing_else(tmp_path: Path, seed: int):
    dice = random.Random(seed)
    names = [f"owner{i}/tool" for i in range(60)]
    rows = [_commit(i, dice.sample(names, dice.choice([1, 1, 1, 2, 2, 4]))) for i in range(40)]
    _mine(_warehouse(tmp_path, rows), tmp_path)
    shared = networkx.Graph()
    for row in rows:
        networkx.add_path(shared, row["repo_name"])
    table = read(tmp_path / "forks.parquet", "forks")
    pairs = [tuple(row.values()) for row in table.to_pylist()]
    assert pairs == sorted(set(pairs)) and all(one < other for one, other in pairs)
    found = networkx.Graph(pairs)
    groups = {frozenset(group) for group in networkx.connected_components(shared) if len(group) > 1}
    assert {frozenset(group) for group in networkx.connected_components(found)} == groups
    assert len(groups) > 1


def test_a_commit_listed_twice_is_kept_once(tmp_path: Path):
    rows = [_commit(1, ["b/b"]), _commit(2, ["c/c"]), _commit(1, ["a/a"])]
    assert _mine(_warehouse(tmp_path, rows), tmp_path) == {"listed twice": (3, 2, 1)}
    mined = {row["commit"]: row["repositories"] for row in read(tmp_path / "mined.parquet", "mined").to_pylist()}
    assert mined == {rows[2]["commit"]: ["a/a"], rows[1]["commit"]: ["c/c"]}
    _mine(_warehouse(tmp_path / "turned", rows[::-1]), tmp_path / "turned")
    assert read(tmp_path / "turned/mined.parquet", "mined") == read(tmp_path / "mined.parquet", "mined")


def test_no_commit_at_all_makes_empty_tables(tmp_path: Path):
    assert _mine(_warehouse(tmp_path, []), tmp_path) == {None: (0, 0, 0)}
    assert read(tmp_path / "mined.parquet", "mined").num_rows == read(tmp_path / "forks.parquet", "forks").num_rows == 0
