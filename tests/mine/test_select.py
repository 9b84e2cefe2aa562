"""Selection: the right commits, in splits that share no repository."""

from __future__ import annotations

import datetime
import json
import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.mine.select import Window, select
from themis.mine.splits import assign, components
from themis.records import SCHEMAS, gather, write
from themis.vocabulary import LANGUAGES

TRAIN = Window(until=datetime.date(2019, 3, 1))
BENCHMARK = Window(datetime.date(2019, 6, 1), datetime.date(2021, 2, 1))


def _seconds(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp())


EARLY, LATE, BETWEEN = _seconds("2018-01-01"), _seconds("2020-01-01"), _seconds("2019-04-01")


def _row(i: int, repositories: list[str], at: int = EARLY, path: str = "a.py") -> dict:
    return {
        "id": f"{i:032x}", "commit": f"{i:040x}", "repository": repositories[0], "repositories": repositories,
        "license": "mit", "path": path, "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": "1" * 40, "new_blob": "2" * 40, "subject": "s", "message": "m",
        "committed_at": at,
    }  # fmt: skip


def _select(folder: Path, rows: list[dict], merges=None, holders=(), order=lambda rows: rows, **changed):
    """Run the selection; `holders` are repository lists of further commits, `merges` (repository, row, merged, reverted)."""
    write(pa.Table.from_pylist(order(rows), schema=SCHEMAS["mined"]), folder / "mined.parquet", "mined")
    commits = [
        {"commit": row["commit"], "subject": "", "message": "", "repo_name": row["repositories"]} for row in rows
    ]
    commits += [
        {"commit": f"x{i}", "subject": "", "message": "", "repo_name": list(names)} for i, names in enumerate(holders)
    ]
    write(pa.Table.from_pylist(order(commits), schema=SCHEMAS["commits"]), folder / "commits.parquet", "commits")
    if merges is None:
        merges = [(name, row["commit"], True, False) for row in rows for name in row["repositories"]]
    names = SCHEMAS["merges"].names
    merges = [dict(zip(names, row, strict=True)) for row in merges]
    write(pa.Table.from_pylist(order(merges), schema=SCHEMAS["merges"]), folder / "merges.parquet", "merges")
    settings = {
        "allow_lists": [], "languages": list(LANGUAGES), "train": TRAIN, "benchmark": BENCHMARK, "benchmark_share": 0.25,
        "require_merged": True, "seed": 77,
    } | changed  # fmt: skip
    table = select(folder / "mined.parquet", folder, folder / "selected.parquet", folder / "ledger.parquet", **settings)
    ledger = gather([folder / "ledger.parquet"], folder / "attrition.parquet").to_pylist()
    assert {row["rows_in"] for row in ledger} == {len(rows)}
    return table.to_pylist(), {row["reason"]: row["rows_dropped"] for row in ledger if row["reason"]}


def test_splits_share_no_repository_and_lose_no_row_unsaid(tmp_path: Path):
    dice = random.Random(5)
    repositories = [f"o{i}/r" for i in range(40)]
    rows = [
        _row(i, sorted(dice.sample(repositories, dice.choice([1] * 9 + [2]))), dice.choice([EARLY, LATE, BETWEEN]))
        for i in range(200)
    ]
    holders = [("o0/r", "o1/r"), ("o1/r", "zz/gone"), ("zz/gone", "o2/r")]  # forks seen only in commits not mined
    selected, reasons = _select(tmp_path, rows, holders=holders, benchmark_share=0.5)

    linked = defaultdict(set)
    for names in [row["repositories"] for row in rows] + [list(names) for names in holders]:
        for name in names:
            linked[name].update(names)

    def reach(name: str) -> frozenset[str]:
        seen, todo = {name}, [name]
        while todo:
            new = linked[todo.pop()] - seen
            seen |= new
            todo += new
        return frozenset(seen)

    splits = defaultdict(set)
    for row in selected:
        splits[reach(row["repository"])].add(row["split"])
        assert row["split"] == ("train" if row["committed_at"] == EARLY else "benchmark")
        assert row["language"] == "Python"
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"train", "benchmark"}
    assert reach("o0/r") >= {"o0/r", "o1/r", "o2/r", "zz/gone"}
    assert set(reasons) == {"outside both windows", "other split's window"}
    assert len(selected) + sum(reasons.values()) == len(rows)

    both = [
        group for group in {reach(row["repository"]) for row in rows}
        if {EARLY, LATE} <= {row["committed_at"] for row in rows if reach(row["repository"]) == group}
    ]  # fmt: skip
    assert sum(splits[group] == {"benchmark"} for group in both) == -(-len(both) // 2)


def test_same_bytes_for_any_order_of_rows_another_split_for_another_seed(tmp_path: Path):
    rows = [_row(i, [f"o{i // 4:02}/r"], [EARLY, LATE][i % 2]) for i in range(200)]
    first, _ = _select(tmp_path / "a", rows)
    second, _ = _select(tmp_path / "b", rows, order=lambda rows: rows[::-1])
    other, _ = _select(tmp_path / "c", rows, seed=78)
    assert first == second
    assert {row["id"] for row in first} != {row["id"] for row in other}
    assert [row["id"] for row in first] == sorted(row["id"] for row in first)


def test_windows_are_days_in_utc(tmp_path: Path):
    times = {
        "2019-02-28T23:59:59": "train", "2019-03-01T00:00:00": None, "2019-05-31T23:59:59": None,
        "2019-06-01T00:00:00": "benchmark", "2021-01-31T23:59:59": "benchmark", "2021-02-01T00:00:00": None,
    }  # fmt: skip
    rows = [_row(i, [f"o{i}/r"], _seconds(text)) for i, text in enumerate(times)]
    selected, reasons = _select(tmp_path, rows)
    assert {row["repository"]: row["split"] for row in selected} == {
        f"o{i}/r": split for i, split in enumerate(times.values()) if split
    }
    assert reasons == {"outside both windows": 3}


def test_merged_somewhere_and_reverted_nowhere(tmp_path: Path):
    rows = [_row(i, ["a/r", "b/r"]) for i in range(5)]
    commits = [row["commit"] for row in rows]
    merges = [
        ("a/r", commits[0], False, False), ("b/r", commits[0], True, False),
        ("a/r", commits[1], False, False), ("b/r", commits[1], False, False),
        ("a/r", commits[2], True, True), ("b/r", commits[2], True, False),
        ("a/r", commits[3], True, False),
    ]  # fmt: skip
    selected, reasons = _select(tmp_path, rows, merges)
    assert [row["commit"] for row in selected] == [commits[0], commits[3]]
    assert reasons == {"not merged": 2, "reverted": 1}
    assert len(_select(tmp_path, rows, merges, require_merged=False)[0]) == 5


def test_allow_lists_and_languages(tmp_path: Path):
    rows = [_row(1, ["a/r", "Good/Name"]), _row(2, ["b/r"]), _row(3, ["c/r"], path="x.h"), _row(4, ["c/r"], path="Makefile"), _row(5, ["d/r"], path="x.JS")]  # fmt: skip
    (tmp_path / "list.json").write_text(json.dumps(["good/NAME", "D/r"]))
    (tmp_path / "map.json").write_text(json.dumps({"C": ["c/r"], "none": []}))
    lists = [tmp_path / "list.json", tmp_path / "map.json"]
    selected, reasons = _select(tmp_path, rows, allow_lists=lists, languages=["Python", "C"])
    assert [(row["path"], row["language"]) for row in selected] == [("a.py", "Python"), ("x.h", "C")]
    assert reasons == {"repository not on the allow list": 1, "language not chosen": 2}
    for bad in ("{", '"a/b"', "[1]", '{"a": "b"}'):
        (tmp_path / "list.json").write_text(bad)
        with pytest.raises(Problem, match=r"list\.json"):
            _select(tmp_path, rows, allow_lists=lists)
    with pytest.raises(Problem, match="language Perl"):
        _select(tmp_path, rows, languages=["Perl"])


def test_nothing_mined_is_a_table_without_rows(tmp_path: Path):
    selected, reasons = _select(tmp_path, [])
    assert (selected, reasons) == ([], {})


@pytest.mark.parametrize(("share", "n", "expected"), [(0.25, 4, 1), (0.25, 5, 2), (0.0, 5, 0), (1.0, 5, 5), (0.07, 100, 7), (0.01, 1, 1)])  # fmt: skip
def test_share_of_the_benchmark_is_rounded_up_exactly(share, n, expected):
    splits = assign({f"o{i}/r": (True, True) for i in range(n)}, share, 1)
    assert list(splits.values()).count("benchmark") == expected
    assert assign({"t": (True, False), "b": (False, True)}, share, 1) == {"t": "train", "b": "benchmark"}


def test_components_are_called_by_their_smallest_name():
    assert components([["c", "b"], ["d"], ["b", "a"], []]) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert components([]) == {}
