"""Classifiers learn what separates, labels follow the probabilities, shards do not matter, every row is accounted for."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from themis import records
from themis.aspects import gathering
from themis.aspects.caps import within_caps
from themis.aspects.gathering import gather_aspects
from themis.aspects.label import TERM_PROBABILITY, combine, decide, label_aspects
from themis.aspects.training import Shape, train_aspects
from themis.errors import Problem
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
    rows.sort(key=lambda row: row["id"])
    path = tmp_path_factory.mktemp("aspects") / "deduplicated.parquet"
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["deduplicated"]), path, "deduplicated")
    return path


def train(deduplicated, folder):
    from themis.aspects.classifier import Schedule

    train_aspects(
        deduplicated,
        folder / "classifiers",
        folder / "metrics.parquet",
        folder / "curves.parquet",
        shape=Shape(None, 1, 32, 64),
        schedule=Schedule(epochs=8, batch_size=16, learning_rate=3e-3),
        held_out=0.4,
        max_seeds=400,
        min_precision=0.5,
        threads=1,
        seed=1,
    )


@pytest.fixture(scope="module")
def trained(deduplicated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(deduplicated, folder)
    return folder


@pytest.fixture(scope="module")
def used(trained, tmp_path_factory):
    """The classifiers, each used from a probability of one half on: so few seeds give no threshold by themselves."""
    folder = tmp_path_factory.mktemp("used") / "classifiers"
    shutil.copytree(trained / "classifiers", folder)
    (folder / "classifiers.json").write_text(json.dumps({"thresholds": dict.fromkeys(CODE_CRITERIA, 0.5)}))
    return folder


@pytest.fixture(scope="module")
def shards(deduplicated, used, tmp_path_factory):
    """The labels in one shard, and in three."""
    folder = tmp_path_factory.mktemp("shards")
    made = {}
    for count in (1, 3):
        made[count] = [folder / f"{at}-of-{count}.parquet" for at in range(count)]
        for at, out in enumerate(made[count]):
            label_aspects(deduplicated, used, out, shard=at, shards=count, threads=1, seed=1)
    return made


def gathered(deduplicated, parts, folder, **caps):
    gather_aspects(deduplicated, parts, folder / "labelled.parquet", folder / "ledger.parquet", caps=caps, seed=1)
    return records.read(folder / "labelled.parquet", "labelled").to_pylist()


def digests(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def metrics(folder, name):
    rows = records.read(folder / "metrics.parquet", "metrics").to_pylist()
    return {row["subject"]: row["value"] for row in rows if row["metric"] == name}


def test_classifiers_find_held_out_commits_whose_terms_are_taken_out(trained):
    found = metrics(trained, "average_precision")
    assert set(found) == set(CODE_CRITERIA)
    # A third of the commits of a criterion say its word alone and count as negatives, though nothing tells them apart.
    assert np.mean(list(found.values())) > 0.4
    assert np.mean([metrics(trained, "seeds_positive")[c] for c in CODE_CRITERIA]) == 18


def test_the_same_rows_train_the_same_bytes(deduplicated, trained, tmp_path):
    train(deduplicated, tmp_path)
    assert digests(tmp_path) == digests(trained)


def test_too_few_held_out_seeds_give_no_threshold_and_the_curve_is_drawn_all_the_same(trained):
    manifest = json.loads((trained / "classifiers" / "classifiers.json").read_text())["thresholds"]
    assert manifest == metrics(trained, "threshold") == dict.fromkeys(CODE_CRITERIA)
    curves = records.read(trained / "curves.parquet", "curves").to_pylist()
    assert {row["criterion"] for row in curves} == set(CODE_CRITERIA) and {row["data"] for row in curves} == {
        "held_out"
    }
    assert all(0 <= row[name] <= 1 for row in curves for name in ("threshold", "precision", "recall"))


def test_labels_are_right_accounted_for_and_capped(deduplicated, shards, tmp_path):
    rows = gathered(deduplicated, shards[1], tmp_path, train=40)
    given = records.read(deduplicated, "deduplicated")
    assert [row["id"] for row in rows] == sorted(given.filter(given["kept"])["id"].to_pylist())
    contents = dict(zip(given["id"].to_pylist(), given["new_contents"].to_pylist(), strict=True))
    assert all(row["new_contents"] == contents[row["id"]] for row in rows)
    assert {row["reached"] for row in rows} == {"term", "classifier", "none"}
    by_term = [row for row in rows if row["reached"] == "term"]
    assert all(row["aspect"] == CODE_CRITERIA[int(row["commit"]) % 5] for row in by_term)
    train_kept = [row for row in rows if row["kept"] and row["split"] == "train"]
    assert len(train_kept) == 40
    groups = Counter((row["aspect"], row["language"]) for row in train_kept)
    assert max(groups.values()) - min(groups.values()) <= 1
    assert all(row["kept"] == (row["aspect"] is not None) for row in rows if row["split"] == "benchmark")
    ledger = records.read(tmp_path / "ledger.parquet", "attrition").to_pylist()
    for scope in ("train", "benchmark"):
        mine = [row for row in ledger if row["scope"] == scope]
        assert mine[0]["rows_in"] == sum(row["split"] == scope for row in rows)
        assert mine[0]["rows_kept"] == sum(row["split"] == scope and row["kept"] for row in rows)


def test_shards_and_batches_do_not_matter_and_no_shard_may_be_missing(deduplicated, shards, tmp_path, monkeypatch):
    for count, parts in shards.items():
        (tmp_path / str(count)).mkdir()
        monkeypatch.setattr(gathering, "_ROWS", 1000 // count**2)
        gathered(deduplicated, parts[::-1], tmp_path / str(count), benchmark=30)
    assert digests(tmp_path / "1") == digests(tmp_path / "3")
    assert min(len(records.read(part, "aspects")) for part in shards[3]) > 80
    for wrong in (shards[3][:2], [*shards[3], shards[3][0]]):
        with pytest.raises(Problem, match="run label-aspects again"):
            gathered(deduplicated, wrong, tmp_path)


def test_a_term_and_a_classifier_count_as_independent_evidence():
    combined = combine(np.array([[0.5, 0.5, 0, 0, 0]]), np.array([[True, False, False, False, False]]))
    term = TERM_PROBABILITY[CODE_CRITERIA[0]]
    assert combined[0, :2].tolist() == [pytest.approx(1 - (1 - term) * 0.5), 0.5]


def test_only_what_a_term_or_a_threshold_reached_is_given_and_ties_go_to_the_term():
    probabilities = np.array([[0.9, 0.9, 0, 0, 0], [0.9, 0.9, 0, 0, 0], [0.4, 0.3, 0, 0, 0], [0.4, 0.3, 0, 0, 0]])
    none = [False] * 5
    hits = np.array([[False, True, False, False, False], none, [False, True, False, False, False], none])
    classified = np.array([[True, *none[1:]], [True, True, *none[2:]], none, none])
    best, reached = decide(probabilities, hits, classified)
    assert list(best) == [1, 0, 1, -1]
    assert list(reached) == ["term", "classifier", "term", "none"]
    assert decide(probabilities[:0], hits[:0], classified[:0])[1] == []


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
