"""Of every group of near-duplicates one commit stays, and nothing like a benchmark commit stays in training."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from themis.dedup.deduplicate import deduplicate
from themis.records import SCHEMAS

SETTINGS = {"engine": "rensa", "shingle": 3, "permutations": 128, "threshold": 0.7}


def prose(seed, changed=0):
    """Sixty random words, the last `changed` of them replaced."""
    draw = random.Random(seed)
    words = [f"w{draw.randrange(300)}" for _ in range(60)]
    return " ".join(words[: 60 - changed] + [f"new{seed}_{i}" for i in range(changed)])


def table(rows):
    """A `retrieved` table of (id, split, language, old, new) rows."""
    full = [
        {
            "id": name, "commit": name, "repository": "o/n", "repositories": ["o/n"], "license": "mit", "path": "a.py",
            "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": f"old {old}", "new_blob": f"new {new}", "subject": "s", "message": "m", "committed_at": 0,
            "language": language, "split": split, "old_contents": old, "new_contents": new, "encoding": "utf-8",
        }
        for name, split, language, old, new in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(full, SCHEMAS["retrieved"])


def kept(rows):
    done, _ = deduplicate(table(rows), **SETTINGS)
    return {row["id"]: row["cluster_id"] for row in done.to_pylist() if row["kept"]}, done


def test_the_smallest_id_of_a_group_stays():
    names, _ = kept([(name, "train", "C", prose(1), prose(2, i)) for i, name in enumerate("bca")])
    assert set(names) == {"a"}


def test_the_benchmark_keeps_its_row_and_the_training_twin_goes():
    names, done = kept([("a", "train", "C", prose(1), prose(2)), ("b", "benchmark", "C", prose(1), prose(2, 1))])
    assert set(names) == {"b"}
    assert done["cluster_id"].to_pylist() == ["b", "b"]


def test_other_languages_and_other_texts_are_no_duplicates():
    rows = [("a", "train", "C", prose(1), prose(2)), ("b", "train", "Go", prose(1), prose(2, 1))]
    rows += [("c", "train", "C", prose(3), prose(4))]
    assert set(kept(rows)[0]) == {"a", "b", "c"}


def test_identical_blobs_are_duplicates_however_short():
    assert set(kept([("a", "train", "C", "{", "}"), ("b", "train", "Go", "{", "}")])[0]) == {"a"}


def test_a_commit_that_changes_nothing_is_dropped_and_pulls_nobody_with_it():
    rows = [("a", "train", "C", prose(1), prose(1)), ("b", "train", "C", prose(1), prose(1, 2))]
    assert set(kept(rows)[0]) == {"b"}


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_does_not_matter(seed):
    rows = [(f"{i:02d}", ("train", "benchmark")[i % 3 == 0], "C", prose(i % 7), prose(i % 5, i % 4)) for i in range(40)]
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert kept(shuffled)[1].equals(kept(rows)[1])


def test_every_row_is_accounted_for():
    rows = [("a", "train", "C", prose(1), prose(2)), ("b", "train", "C", prose(1), prose(2, 1))]
    rows += [("c", "benchmark", "C", prose(3), prose(3)), ("d", "benchmark", "C", prose(5), prose(6))]
    _, ledger = deduplicate(table(rows), **SETTINGS)
    said = {(row["scope"], row["reason"]): row for row in ledger.table().to_pylist()}
    assert said["train", "near-duplicate"]["rows_in"] == 2
    assert said["train", "near-duplicate"]["rows_kept"] == 1
    assert said["benchmark", "no change"]["rows_dropped"] == 1
