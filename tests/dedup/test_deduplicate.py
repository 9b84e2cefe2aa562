"""Of every group of near-duplicates one commit stays, and nothing like a benchmark commit stays in training."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.dedup.tables import Row, run, write_retrieved
from themis import records
from themis.dedup.deduplicate import deduplicate
from themis.errors import Problem
from themis.similarity.signatures import Method


def prose(seed: int, changed: int = 0) -> str:
    """Sixty random words, the last `changed` of them replaced."""
    draw = random.Random(seed)
    words = [f"w{draw.randrange(300)}" for _ in range(60)]
    return " ".join(words[: 60 - changed] + [f"new{seed}_{i}" for i in range(changed)])


def kept(rows: list[Row], folder: Path, **settings) -> set[str]:
    return {row["id"] for row in run(rows, folder, **settings)[0] if row["kept"]}


def test_the_smallest_id_of_a_group_stays(tmp_path: Path) -> None:
    assert kept([(name, "train", "C", prose(1), prose(2, i)) for i, name in enumerate("bca")], tmp_path) == {"a"}


def test_the_benchmark_keeps_its_first_row_and_the_training_twins_go(tmp_path: Path) -> None:
    rows = [(name, "train", "C", prose(1), prose(2)) for name in "ad"]
    rows += [(name, "benchmark", "C", prose(1), prose(2, 1)) for name in "cb"]
    done, _ = run([*rows, ("e", "train", "C", prose(3), prose(4))], tmp_path)
    assert [(row["id"], row["cluster_id"], row["kept"]) for row in done] == [
        ("a", "b", False), ("b", "b", True), ("c", "b", False), ("d", "b", False), ("e", "e", True)
    ]  # fmt: skip


def test_languages_are_apart_unless_the_study_compares_all(tmp_path: Path) -> None:
    rows = [("a", "train", "C", prose(1), prose(2)), ("b", "train", "Go", prose(1), prose(2, 1))]
    rows += [("c", "train", "C", prose(3), prose(4))]
    assert kept(rows, tmp_path) == {"a", "b", "c"}
    assert kept(rows, tmp_path, scope="all") == {"a", "c"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [(["old", "new"], "abcd"), (["old"], "acd"), (["new"], "abd"), (["diff"], "abc"), (["diff", "new"], "abcd")],
)
def test_the_study_chooses_what_is_compared(tmp_path: Path, columns: list, expected: str) -> None:
    rows = [("a", "train", "C", prose(1), prose(2)), ("b", "train", "C", prose(1), prose(3))]
    rows += [("c", "train", "C", prose(4), prose(2))]
    lines = prose(1).replace(" ", "\n"), prose(2).replace(" ", "\n")
    rows += [("d", "train", "C", prose(5) + "\n" + lines[0], prose(5) + "\n" + lines[1])]
    if columns == ["diff"]:  # the same lines changed in other surroundings
        rows = [("a", "train", "C", *lines), *rows[1:]]
    assert kept(rows, tmp_path, columns=columns) == set(expected)


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"dedup\.columns: neu is not old, new or diff"):
        kept([("a", "train", "C", "a", "b")], tmp_path, columns=["neu"])


def test_identical_blobs_are_duplicates_in_any_language(tmp_path: Path) -> None:
    assert kept([("a", "train", "C", "{", "}"), ("b", "train", "Go", "{", "}")], tmp_path) == {"a"}


def test_short_documents_are_duplicates_of_equal_ones_and_can_be_dropped(tmp_path: Path) -> None:
    rows = [
        ("a", "train", "C", "", "x"),
        ("b", "train", "C", "", "x"),
        ("c", "train", "C", "", "x "),
        ("d", "train", "C", "", "y"),
    ]
    rows += [("e", "train", "C", prose(1), prose(2))]
    assert kept(rows, tmp_path) == {"a", "c", "d", "e"}
    done, ledger = run(rows, tmp_path, short="drop")
    assert [row["id"] for row in done if row["kept"]] == ["e"]
    assert [(row["reason"], row["rows_dropped"]) for row in ledger] == [("too short to compare", 4)]


def test_a_commit_that_changes_nothing_is_dropped_and_pulls_nobody_with_it(tmp_path: Path) -> None:
    rows = [("a", "train", "C", prose(1), prose(1)), ("b", "train", "C", prose(1), prose(1, 2))]
    assert kept(rows, tmp_path) == {"b"}


def test_the_published_method_keeps_the_first_row_whatever_it_is(tmp_path: Path) -> None:
    rows = [("a", "train", "C", prose(1), prose(1)), ("b", "benchmark", "C", prose(1), prose(1, 1))]
    rows += [("c", "train", "C", "x", "y"), ("d", "benchmark", "C", "z", "w")]
    done, ledger = run(rows, tmp_path, Method(shingle=5, published=True))
    assert [row["cluster_id"] for row in done] == ["a", "a", "c", "c"]
    assert {(row["scope"], row["reason"], row["rows_dropped"]) for row in ledger} == {
        ("benchmark", "near-duplicate", 2), ("train", None, 0)
    }  # fmt: skip


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    rows = [("a", "train", "C", prose(1), prose(2)), ("b", "train", "C", prose(1), prose(2, 1))]
    rows += [("c", "benchmark", "C", prose(3), prose(3)), ("d", "benchmark", "C", prose(5), prose(6))]
    done, ledger = run(rows, tmp_path)
    said = {(row["scope"], row["reason"]): row for row in ledger}
    assert [row["id"] for row in done] == ["a", "b", "c", "d"]
    assert said["train", "near-duplicate"]["rows_in"] == 2
    assert said["train", "near-duplicate"]["rows_kept"] == 1
    assert said["benchmark", "no change"]["rows_dropped"] == 1
    assert run([], tmp_path) == ([], [])


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    rows = [(name, "train", "C", prose(i), prose(i, 3)) for i, name in enumerate("acb")]
    retrieved = write_retrieved(rows, tmp_path / "r.parquet")
    with pytest.raises(Problem, match="not in the order of their ids"):
        deduplicate(retrieved, tmp_path / "o.parquet", tmp_path / "l.parquet", method=Method())
    assert not records.SCHEMAS.keys() & {path.stem for path in tmp_path.iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.parquet"]
