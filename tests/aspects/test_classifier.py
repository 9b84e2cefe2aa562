"""A classifier's probability belongs to the text alone; what cannot be trained or found is said, not guessed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from themis import records
from themis.aspects.classifier import Classifier, Schedule
from themis.aspects.label import TERM_PROBABILITY, label_aspects
from themis.aspects.scratch import small_model, small_tokenizer
from themis.aspects.training import Shape, train_aspects
from themis.errors import Problem
from themis.vocabulary import Criterion

TEXTS = [f"{'fast' if i % 2 else 'slow'} way {i % 7} " * (1 + i % 9) for i in range(90)]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.set_num_threads(1)
    tokenizer = small_tokenizer(TEXTS)
    model = small_model(tokenizer, layers=1, width=32, max_tokens=32, seed=1)
    made = Classifier(model, tokenizer, 32)
    positive = np.array([i % 2 == 1 for i in range(90)])
    made.fit(TEXTS, positive, [str(i) for i in range(90)], Schedule(6, 16, 3e-3), 1)
    return made


def test_a_probability_does_not_depend_on_the_other_texts(classifier: Classifier) -> None:
    together = classifier.probabilities(TEXTS)
    assert together.max() - together.min() > 0.5
    assert np.array_equal(together[::-1], classifier.probabilities(TEXTS[::-1]))
    assert [float(classifier.probabilities([text])[0]) for text in TEXTS[:12]] == together[:12].tolist()
    assert classifier.probabilities([]).shape == (0,)


def test_what_is_saved_is_what_is_loaded(classifier: Classifier, tmp_path: Path) -> None:
    classifier.save(tmp_path)
    assert np.array_equal(Classifier.load(tmp_path).probabilities(TEXTS), classifier.probabilities(TEXTS))
    for file in tmp_path.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(Problem, match="run train-aspects again"):
        Classifier.load(tmp_path)


def test_calibrated_probabilities_are_frequencies(classifier: Classifier) -> None:
    draw = np.random.default_rng(1)
    truth = draw.random(20_000)
    positive = draw.random(20_000) < truth
    logits = 3 * np.log(truth / (1 - truth)) + 5  # three times too sure, and shifted
    calibrated = Classifier(classifier.model, classifier.tokenizer, 32)
    calibrated.calibrate(logits, positive, np.ones(len(positive)))
    assert calibrated.scale == pytest.approx(1 / 3, rel=0.05)
    assert calibrated.shift == pytest.approx(-5 / 3, abs=0.1)
    thinned = positive | (draw.random(20_000) < 0.25)  # three negatives of four are gone; one stands for all four
    again = Classifier(classifier.model, classifier.tokenizer, 32)
    again.calibrate(logits[thinned], positive[thinned], np.where(positive[thinned], 1.0, 4.0))
    assert (again.scale, again.shift) == (pytest.approx(1 / 3, rel=0.05), pytest.approx(-5 / 3, abs=0.1))
    calibrated.calibrate(-logits, positive, np.ones(len(positive)))  # worse than chance: no inversion, no opinion
    assert calibrated.scale == 0


def rows(subjects: list[str]) -> pa.Table:
    made = [
        {
            "id": f"{i:032x}", "commit": str(i), "repository": "o/n", "repositories": ["o/n"], "license": "mit",
            "path": "a.py", "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": "a", "new_blob": "b", "subject": subject, "message": subject,
            "committed_at": 0, "language": "Python", "split": "train", "old_contents": "x", "new_contents": subject,
            "encoding": "utf-8", "cluster_id": str(i), "kept": True,
        }
        for i, subject in enumerate(subjects)
    ]  # fmt: skip
    return pa.Table.from_pylist(made, records.SCHEMAS["deduplicated"])


def test_too_few_seeds_give_no_classifier_and_terms_alone_speak(tmp_path: Path) -> None:
    subjects = ["Fix memory leak"] * 7 + ["Prevent SQL injection"] * 9 + ["Say something"] * 20
    records.write(rows(subjects), tmp_path / "in.parquet", "deduplicated")
    train_aspects(
        tmp_path / "in.parquet", tmp_path / "models", tmp_path / "metrics.parquet", tmp_path / "curves.parquet",
        shape=Shape(None, 1, 16, 16), schedule=Schedule(1, 8, 1e-3), held_out=0.2, max_seeds=100, min_precision=0.5,
        threads=1, seed=1,
    )  # fmt: skip
    manifest = json.loads((tmp_path / "models" / "classifiers.json").read_text())
    assert manifest == {"thresholds": {"security_hardness": None}}  # two positives to calibrate with: too few to trust
    metrics = records.read(tmp_path / "metrics.parquet", "metrics").to_pylist()
    of_memory = {row["metric"]: row["value"] for row in metrics if row["subject"] == "memory_efficiency"}
    assert of_memory == {"seeds_positive": 7, "seeds_negative": 7}
    label_aspects(
        tmp_path / "in.parquet", tmp_path / "models", tmp_path / "out.parquet", shard=0, shards=1, threads=1, seed=1
    )
    labelled = records.read(tmp_path / "out.parquet", "aspects").to_pylist()
    leaks = [row for row in labelled if row["aspect"] == "memory_efficiency"]
    assert len(leaks) == 7
    assert all(row["memory_efficiency"] == TERM_PROBABILITY[Criterion.MEMORY_EFFICIENCY] for row in leaks)
    assert all(row["runtime_efficiency"] == 0 for row in labelled)
    assert sum(row["reached"] == "none" for row in labelled) == 20


def test_a_failed_training_leaves_the_earlier_classifiers_alone(tmp_path: Path) -> None:
    records.write(rows(["Prevent SQL injection"] * 9 + ["Say it"] * 9), tmp_path / "in.parquet", "deduplicated")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "classifiers.json").write_text('{"thresholds": {}}')
    with pytest.raises(Problem, match="no ModernBERT can be loaded"):
        train_aspects(
            tmp_path / "in.parquet", tmp_path / "models", tmp_path / "metrics.parquet", tmp_path / "curves.parquet",
            shape=Shape(str(tmp_path / "nowhere"), 1, 16, 16), schedule=Schedule(1, 8, 1e-3), held_out=0.2,
            max_seeds=100, min_precision=0.5, threads=1, seed=1,
        )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "models"]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["classifiers.json"]


def test_labels_without_classifiers_are_refused(tmp_path: Path) -> None:
    records.write(rows(["Say it"]), tmp_path / "in.parquet", "deduplicated")
    with pytest.raises(Problem, match="run train-aspects first"):
        label_aspects(
            tmp_path / "in.parquet", tmp_path / "none", tmp_path / "out.parquet", shard=0, shards=1, threads=1, seed=1
        )
    assert not (tmp_path / "out.parquet").exists()


def test_a_small_model_has_the_shape_asked_for() -> None:
    tokenizer = small_tokenizer(TEXTS)
    for width in (8, 10, 96, 100):
        model = small_model(tokenizer, layers=3, width=width, max_tokens=16, seed=5)
        assert (model.config.hidden_size, model.config.num_hidden_layers, model.config.num_labels) == (width, 3, 1)
    same = small_model(tokenizer, layers=3, width=100, max_tokens=16, seed=5)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), same.parameters(), strict=True))
    with pytest.raises(Problem, match="width: 9 is odd"):
        small_model(tokenizer, layers=1, width=9, max_tokens=16, seed=5)
