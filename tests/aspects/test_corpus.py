"""Commits read by eye are never learnt from; the classifiers are measured on them, and on what they can tell."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis import records
from themis.aspects import corpus
from themis.aspects.classifier import Schedule
from themis.aspects.sample import LabelledCommit
from themis.aspects.training import Shape, train_aspects
from themis.vocabulary import Criterion

SAFE, FAST = Criterion.SECURITY_HARDNESS, Criterion.RUNTIME_EFFICIENCY
SUBJECTS = ("Prevent SQL injection", "Say something", "Name the attack vector", "Speed up lookup")


@pytest.fixture
def given(tmp_path, monkeypatch):
    """160 commits of four subjects in turn, in order of id; the first 24 were read by eye, and one more that is not there.
    Every third of those read improves security."""
    rows = [
        {
            "id": f"{i:032x}", "commit": f"{i:040x}", "repository": "o/n", "repositories": ["o/n"], "license": "mit",
            "path": "a.py", "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": "a", "new_blob": "b",
            "subject": SUBJECTS[i % 4], "message": SUBJECTS[i % 4], "committed_at": 0, "language": "Python",
            "split": "benchmark" if i == 100 else "train", "old_contents": "x", "new_contents": f"y{i}",
            "encoding": "utf-8", "cluster_id": str(i), "kept": i != 101,
        }
        for i in range(160)
    ]  # fmt: skip
    path = tmp_path / "deduplicated.parquet"
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["deduplicated"]), path, "deduplicated")
    read = [
        LabelledCommit(
            "o/n", f"{i:040x}", "a.py", "Python", SUBJECTS[i % 4], frozenset([SAFE] if i % 3 == 0 else []), 1.0 + i, ""
        )
        for i in [*range(24), 5000]
    ]
    monkeypatch.setattr(corpus, "sample", lambda: tuple(read))
    return path


def test_a_scan_takes_kept_training_rows_and_sets_the_sample_apart(given):
    found, sampled = corpus.scan(given)
    assert list(found.ids) == [f"{i:032x}" for i in range(24, 160) if i not in (100, 101)]
    assert sorted(sampled) == [f"{i:032x}" for i in range(24)]
    of = [SUBJECTS[int(one, 16) % 4] for one in found.ids]
    assert found.hits[SAFE].tolist() == [subject == SUBJECTS[0] for subject in of]
    assert found.near[SAFE].tolist() == [subject in (SUBJECTS[0], SUBJECTS[2]) for subject in of]


def test_changes_are_told_of_the_rows_asked_for_alone(given):
    told = corpus.told(given, [f"{i:032x}" for i in (3, 7)])
    assert told == {f"{i:032x}": (SUBJECTS[3], f"in a.py\nadded y {i}\nremoved x") for i in (3, 7)}
    assert corpus.told(given, []) == {}


def test_a_classifier_is_measured_on_what_no_term_of_its_criterion_reaches(given, tmp_path):
    train_aspects(
        given, tmp_path / "models", tmp_path / "metrics.parquet", tmp_path / "curves.parquet",
        shape=Shape(None, 1, 16, 16), schedule=Schedule(1, 8, 1e-3), held_out=0.2, max_seeds=100, min_precision=0.5,
        threads=1, seed=1,
    )  # fmt: skip
    rows = records.read(tmp_path / "metrics.parquet", "metrics").to_pylist()
    found = {(row["subject"], row["metric"]): row["value"] for row in rows}
    unreached = [i for i in range(24) if i % 4 != 0]
    assert found[SAFE, "sample_rows"] == len(unreached)
    assert found[SAFE, "sample_positives"] == sum(i % 3 == 0 for i in unreached)
    assert (found[FAST, "sample_rows"], found[FAST, "sample_positives"]) == (18, 0)
    assert (FAST, "sample_average_precision") not in found  # nothing to find
    points = records.read(tmp_path / "curves.parquet", "curves").to_pylist()
    least = next(row for row in points if row["criterion"] == SAFE and row["data"] == "sample")
    weight = {i: 1.0 + i for i in unreached}
    share = sum(weight[i] for i in unreached if i % 3 == 0) / sum(weight.values())
    assert (least["recall"], least["precision"]) == (
        1.0,
        pytest.approx(share),
    )  # at the least threshold all are reached
