"""Classifiers learn what separates, labels follow the probabilities, caps are shared out, every row is accounted for."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from themis import records
from themis.aspects.caps import within_caps
from themis.aspects.label import combine, decide, label_aspects
from themis.aspects.training import Shape, train_aspects
from themis.vocabulary import CODE_CRITERIA

WORDS = {
    "functional_correctness": ("wrong result", "total"),
    "runtime_efficiency": ("speed up", "lookup"),
    "memory_efficiency": ("memory leak", "buffer"),
    "security_hardness": ("sql injection", "query"),
    "readability_maintainability": ("readability", "helper"),
}


@pytest.fixture(scope="module")
def deduplicated(tmp_path_factory):
    """450 commits: a third say the criterion's term, a third only a word that goes with it, a third say nothing."""
    draw = random.Random(3)
    rows = []
    for i in range(450):
        criterion = CODE_CRITERIA[i % 5]
        term, word = WORDS[criterion]
        subject = {0: f"{term} of the {word}", 1: f"about the {word}", 2: "some words"}[i // 5 % 3]
        old = "\n".join(f"{word}_{draw.randrange(9)} = {draw.randrange(99)}" for _ in range(4))
        rows.append(
            {
                "id": hashlib.sha256(str(i).encode()).hexdigest()[:32], "commit": str(i), "repository": "o/n",
                "repositories": ["o/n"], "license": "mit", "path": f"{word}.py", "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": "a", "new_blob": "b",
                "subject": subject, "message": subject, "committed_at": 0, "language": ("C", "Go")[i % 2],
                "split": ("train", "train", "benchmark")[i // 15 % 3], "old_contents": old, "new_contents": old + f"\n{word}",
                "encoding": "utf-8", "cluster_id": str(i), "kept": i // 45 != 9,
            }
        )  # fmt: skip
    path = tmp_path_factory.mktemp("aspects") / "deduplicated.parquet"
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["deduplicated"]), path, "deduplicated")
    return path


def train(deduplicated, folder):
    from themis.aspects.classifier import Schedule

    train_aspects(
        deduplicated,
        folder / "classifiers",
        folder / "metrics.parquet",
        shape=Shape(None, 1, 32, 64),
        schedule=Schedule(epochs=15, batch_size=16, learning_rate=3e-3),
        held_out=0.3,
        max_seeds=400,
        threshold=0.5,
        threads=1,
        seed=1,
    )


@pytest.fixture(scope="module")
def trained(deduplicated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(deduplicated, folder)
    return folder


def digests(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_classifiers_find_held_out_commits_whose_terms_are_taken_out(trained):
    rows = records.read(trained / "metrics.parquet", "metrics").to_pylist()
    found = {row["subject"]: row["value"] for row in rows if row["metric"] == "average_precision"}
    assert set(found) == set(CODE_CRITERIA)
    assert np.mean(list(found.values())) > 0.9


def test_the_same_rows_train_the_same_bytes(deduplicated, trained, tmp_path):
    train(deduplicated, tmp_path)
    assert digests(tmp_path) == digests(trained)


def test_labels_are_right_accounted_for_and_capped(deduplicated, trained, tmp_path):
    label_aspects(
        deduplicated, trained / "classifiers", tmp_path / "labelled.parquet", tmp_path / "ledger.parquet",
        threshold=0.5, caps={"train": 40, "benchmark": None}, threads=1, seed=1,
    )  # fmt: skip
    given = records.read(deduplicated, "deduplicated")
    rows = records.read(tmp_path / "labelled.parquet", "labelled").to_pylist()
    assert len(rows) == sum(given["kept"].to_pylist())
    by_term = [row for row in rows if row["reached"] == "term"]
    assert by_term
    assert all(row["aspect"] == CODE_CRITERIA[int(row["commit"]) % 5] for row in by_term)
    train_kept = [row for row in rows if row["kept"] and row["split"] == "train"]
    assert len(train_kept) == 40
    groups = Counter((row["aspect"], row["language"]) for row in train_kept)
    assert max(groups.values()) - min(groups.values()) <= 1
    ledger = records.read(tmp_path / "ledger.parquet", "attrition").to_pylist()
    for scope in ("train", "benchmark"):
        mine = [row for row in ledger if row["scope"] == scope]
        assert mine[0]["rows_in"] == sum(row["split"] == scope for row in rows)
        assert mine[0]["rows_kept"] == sum(row["split"] == scope and row["kept"] for row in rows)


def test_a_term_and_a_classifier_count_as_independent_evidence():
    combined = combine(np.array([[0.5, 0.5]]), np.array([[True, False]]))
    assert combined.tolist() == [[0.95, 0.5]]  # 1 - 0.1 * 0.5


def test_a_tie_goes_to_the_term_and_then_to_the_first():
    probabilities = np.array([[0.9, 0.9, 0, 0, 0], [0.9, 0.9, 0, 0, 0], [0.4, 0.3, 0, 0, 0]])
    hits = np.array([[False, True, False, False, False], [False] * 5, [True, False, False, False, False]])
    best, reached = decide(probabilities, hits, 0.5)
    assert list(best) == [1, 0, -1]
    assert list(reached) == ["term", "classifier", "none"]


def test_a_cap_takes_rows_reached_by_a_term_first_whatever_the_order():
    ids = [str(i) for i in range(40)]
    aspects = [("a", "b")[i % 2] for i in range(40)]
    by_term = [i >= 20 for i in range(40)]

    def kept(order):
        mask = within_caps(
            [ids[i] for i in order], ["train"] * 40, [aspects[i] for i in order], ["C"] * 40,
            [by_term[i] for i in order], {"train": 12}, 5,
        )  # fmt: skip
        return {ids[i] for i, stays in zip(order, mask, strict=True) if stays}

    forwards = kept(range(40))
    assert len(forwards) == 12
    assert all(int(name) >= 20 for name in forwards)
    assert Counter(aspects[int(name)] for name in forwards) == {"a": 6, "b": 6}
    assert kept(range(39, -1, -1)) == forwards
