"""Selection: the right commits, in splits that share no repository."""

from __future__ import annotations

import datetime
import json
import random
import string
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.mine.select import Window, select
from themis.mine.splits import components, for_benchmark
from themis.records import SCHEMAS, gather, read, write
from themis.vocabulary import FILE_LANGUAGES, LANGUAGES, language_of

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


def _select(folder: Path, rows: list[dict], merges=None, forks=(), order=lambda rows: rows, **changed):
    """Run the selection; `forks` are pairs of repositories, `merges` (repository, commit, merged, reverted, how)."""
    write(pa.Table.from_pylist(rows, schema=SCHEMAS["mined"]), folder / "mined.parquet", "mined")
    if merges is None:
        merges = [(name, row["commit"], True, False, "direct") for row in rows for name in row["repositories"]]
    for schema, given in (("forks", forks), ("merges", merges)):
        names = SCHEMAS[schema].names
        table = pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in order(given)], schema=SCHEMAS[schema]
        )
        write(table, folder / f"{schema}.parquet", schema)
    settings = {
        "allow_lists": [], "languages": list(LANGUAGES), "train": TRAIN, "benchmark": BENCHMARK, "benchmark_share": 0.25,
        "require_merged": True, "require_request": False, "seed": 77,
    } | changed  # fmt: skip
    paths = [
        settings.pop(name, folder / f"{name}.parquet") for name in ("mined", "forks", "merges", "selected", "ledger")
    ]
    select(*paths, **settings)
    ledger = gather([folder / "ledger.parquet"], folder / "attrition.parquet").to_pylist()
    assert {row["rows_in"] for row in ledger} == {len(rows)}
    selected = read(folder / "selected.parquet", "selected").to_pylist()
    assert {row["rows_kept"] for row in ledger} == {len(selected)}
    return selected, {row["reason"]: row["rows_dropped"] for row in ledger if row["reason"]}


def test_splits_share_no_repository_and_lose_no_row_unsaid(tmp_path: Path):
    dice = random.Random(5)
    repositories = [f"o{i}/r" for i in range(40)]
    rows = [
        _row(i, sorted(dice.sample(repositories, dice.choice([1] * 9 + [2]))), dice.choice([EARLY, LATE, BETWEEN]))
        for i in range(200)
    ]
    forks = [("o0/r", "o1/r"), ("o1/r", "zz/gone"), ("zz/gone", "o2/r")]  # seen only in commits not mined
    selected, reasons = _select(tmp_path, rows, forks=forks, benchmark_share=0.5)

    linked = defaultdict(set)
    for names in [*(row["repositories"] for row in rows), *forks]:
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


def test_same_bytes_for_any_order_of_other_tables_and_threads_another_split_for_another_seed(tmp_path: Path):
    rows = [_row(i, [f"o{i // 4:02}/r", f"o{i // 4:02}/x"], [EARLY, LATE][i % 2]) for i in range(5_000)]
    first, _ = _select(tmp_path / "a", rows, forks=[("o00/r", "o01/r"), ("o02/x", "o01/x")])
    backwards = {"forks": [("o00/r", "o01/r"), ("o02/x", "o01/x")], "order": lambda rows: rows[::-1], "threads": 3}
    second, _ = _select(tmp_path / "b", rows, **backwards)
    other, _ = _select(tmp_path / "c", rows, seed=78)
    assert first == second
    # The digests of the inputs stand in the metadata, and the inputs differ; the rows lie in the same bytes.
    tables = [read(tmp_path / name / "selected.parquet", "selected") for name in "ab"]
    assert tables[0].equals(tables[1])
    assert {row["id"] for row in first} != {row["id"] for row in other}
    assert [row["id"] for row in first] == sorted(row["id"] for row in first)
    assert {"train", "benchmark"} == {row["split"] for row in first}


def test_rows_out_of_order_are_refused(tmp_path: Path):
    rows = [_row(i, ["a/r"]) for i in (1, 3, 2)]
    with pytest.raises(Problem, match="not sorted by id"):
        _select(tmp_path, rows)
    with pytest.raises(Problem, match="not sorted by id"):
        _select(tmp_path, [_row(1, ["a/r"]), _row(1, ["a/r"])])
    assert not (tmp_path / "selected.parquet").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


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
    rows = [_row(i, ["a/r", "b/r"]) for i in range(7)]
    commits = [row["commit"] for row in rows]
    merges = [
        ("a/r", commits[0], False, False, None), ("b/r", commits[0], True, False, "squash"),
        ("a/r", commits[1], False, False, None), ("b/r", commits[1], False, False, None),
        ("a/r", commits[2], True, True, "merge"), ("b/r", commits[2], True, False, "merge"),
        ("a/r", commits[3], True, False, "direct"),
        ("a/r", commits[5], True, False, "direct"), ("b/r", commits[5], True, False, "pull request"),
        ("a/r", commits[6], False, True, None), ("b/r", commits[6], True, False, "merge"),
        ("a/r", "f" * 40, True, False, "merge"),
    ]  # fmt: skip
    selected, reasons = _select(tmp_path, rows, merges)
    assert [row["commit"] for row in selected] == [commits[0], commits[3], commits[5]]
    assert reasons == {"not merged": 2, "reverted": 2}
    selected, reasons = _select(tmp_path, rows, merges, require_request=True)
    assert [row["commit"] for row in selected] == [commits[0], commits[5]]
    assert reasons == {"not merged": 2, "reverted": 2, "not by a request": 1}
    assert len(_select(tmp_path, rows, merges, require_merged=False)[0]) == 7
    assert len(_select(tmp_path / "none", rows, require_merged=False, merges=None)[0]) == 7
    for asked in ({}, {"require_merged": False, "require_request": True}):
        with pytest.raises(Problem, match="no table says which commits were merged"):
            _without_merges(tmp_path, asked)


def _without_merges(folder: Path, asked: dict) -> None:
    select(
        folder / "mined.parquet", folder / "forks.parquet", None, folder / "selected.parquet", folder / "ledger.parquet",
        **{
            "allow_lists": [], "languages": ["C"], "train": TRAIN, "benchmark": BENCHMARK, "benchmark_share": 0.25,
            "require_merged": True, "require_request": False, "seed": 77, **asked,
        },
    )  # fmt: skip


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
    with pytest.raises(Problem, match="language Cobol"):
        _select(tmp_path, rows, languages=["Cobol"])


def test_language_in_sql_is_language_of_the_vocabulary(tmp_path: Path):
    dice = random.Random(3)
    known = [extension for language in FILE_LANGUAGES.values() for extension in language.extensions]
    paths = [
        ".py",
        "a.py.",
        "a/.py",
        "a.py/b",
        "..py",
        "x..py",
        "a b\n.py",
        "x.C++",
        "X.R",
        "py",
        "a.d.ts",
        "ż.RS",
        "a.",
        "~.h",
    ]
    paths += [
        "".join(dice.choices([*string.ascii_letters[:6], ".", "/", *known], k=dice.randint(1, 5))) for _ in range(3_000)
    ]
    paths = [path for path in paths if not path.endswith("/")]
    rows = [_row(i, ["a/r"], path=path) for i, path in enumerate(paths)]
    selected, reasons = _select(tmp_path, rows, languages=list(FILE_LANGUAGES))
    expected = {row["id"]: found.name for row in rows if (found := language_of(row["path"]))}
    assert {row["id"]: row["language"] for row in selected} == expected
    assert 500 < len(expected) < 2_900
    assert reasons == {"language not chosen": len(rows) - len(expected)}


def test_nothing_mined_is_a_table_without_rows(tmp_path: Path):
    selected, reasons = _select(tmp_path, [])
    assert (selected, reasons) == ([], {})


@pytest.mark.parametrize(("share", "n", "expected"), [(0.25, 4, 1), (0.25, 5, 2), (0.0, 5, 0), (1.0, 5, 5), (0.07, 100, 7), (0.01, 1, 1)])  # fmt: skip
def test_share_of_the_benchmark_is_rounded_up_exactly(share, n, expected):
    both = [f"o{i}/r" for i in range(n)]
    chosen = for_benchmark(both, share, 1)
    assert len(set(chosen)) == expected
    assert set(chosen) <= set(both)
    assert set(for_benchmark(both[::-1], share, 1)) == set(chosen)


def test_components_are_called_by_their_smallest_number():
    assert components(6, np.array([4, 2, 0]), np.array([2, 1, 5])).tolist() == [0, 1, 1, 3, 1, 0]
    assert components(0, np.array([], int), np.array([], int)).tolist() == []
