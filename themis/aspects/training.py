"""Train the criterion classifiers on term-retrieved commits and measure them (paper section 3, step 2B)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from themis import chance, records
from themis.aspects.classifier import Classifier, Schedule, pretrained, sigmoid
from themis.aspects.corpus import scan, told
from themis.aspects.quality import Curve, brier, calibration_error, curve, thinned, threshold_for
from themis.aspects.sample import LabelledCommit
from themis.aspects.scratch import small_model, small_tokenizer
from themis.aspects.seeds import CALIBRATE, MEASURE, TRAIN, Corpus, Seeds, choose
from themis.aspects.summary import summary
from themis.aspects.terms import mask, matches
from themis.errors import Problem
from themis.records.folders import put_in_place
from themis.vocabulary import CODE_CRITERIA, Criterion

MANIFEST = "classifiers.json"
_LEAST = 8  # positives, and negatives, from which a classifier is trained

Metric = tuple[Criterion, str, float | None]
Told = Mapping[str, tuple[str, str]]  # message and change by id


@dataclass(frozen=True)
class Shape:
    """Where a classifier starts: a pretrained folder or hub id, or a small model's layers and width."""

    base: str | None
    layers: int
    width: int
    max_tokens: int


def train_aspects(
    deduplicated: Path,
    folder: Path,
    metrics: Path,
    curves: Path,
    *,
    shape: Shape,
    schedule: Schedule,
    held_out: float,
    max_seeds: int,
    min_precision: float,
    threads: int,
    seed: int,
) -> None:
    """Write one classifier per criterion below `folder`, the `metrics` of stage "aspects", and the `curves`.

    Seeds are kept training rows; a criterion with fewer than 8 positives or negatives gets no classifier. One half of
    the held-out seeds calibrates it and gives its threshold, the least with `min_precision`; without one it is not used.
    Measured on the other half: precision and recall there, average precision, calibration error and Brier score before
    (`_raw`) and after calibration; as `sample_...` the same on the commits read by eye that the table has and no term of
    the criterion reaches. Null where undefined, absent where there is no classifier. Rows count by the commits they
    stand for, in numbers of rows excepted; `reached` and `improving` are effective ones, for intervals.
    The folder appears when all is trained; its manifest gives the thresholds.
    """
    torch.set_num_threads(threads)
    corpus, sampled = scan(deduplicated)
    seeds = {
        criterion: choose(corpus, criterion, max_seeds=max_seeds, held_out=held_out, seed=seed)
        for criterion in CODE_CRITERIA
    }
    enough = [criterion for criterion in CODE_CRITERIA if _enough(seeds[criterion])]
    ids = {corpus.ids[row] for criterion in enough for row in seeds[criterion].rows.tolist()}
    texts = told(deduplicated, ids | set(sampled) if enough else ())
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        tokenizer = None
        if shape.base is None and enough:
            read = {text for criterion in enough for text in _texts(corpus, seeds[criterion], criterion, texts)}
            tokenizer = small_tokenizer(sorted(read))
        rows: list[Metric] = []
        points: list[dict[str, object]] = []
        thresholds: dict[Criterion, float | None] = {}
        for criterion in CODE_CRITERIA:
            rows += _counts(criterion, seeds[criterion])
            if criterion in enough:
                classifier = _start(shape, tokenizer, criterion, seed)
                held = _fit(classifier, criterion, corpus, seeds[criterion], texts, schedule, seed)
                thresholds[criterion] = threshold_for(_curve_of(classifier, held, CALIBRATE), min_precision)
                for data, given in (("held_out", held), ("sample", _sampled(classifier, criterion, sampled, texts))):
                    rows += _measures(classifier, criterion, data, given, thresholds[criterion])
                    points += _points(criterion, data, thinned(_curve_of(classifier, given, MEASURE)))
                classifier.save(part / criterion)
        (part / MANIFEST).write_text(json.dumps({"thresholds": thresholds}, indent=1) + "\n", encoding="utf-8")
        part.chmod(0o755)
        records.write(_metrics(rows), metrics, "metrics", inputs=[deduplicated], seed=seed)
        table = pa.Table.from_pylist(points, records.SCHEMAS["curves"])
        records.write(table, curves, "curves", inputs=[deduplicated], seed=seed)
        put_in_place(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def thresholds_of(folder: Path) -> dict[Criterion, float]:
    """The threshold of each classifier in the folder that is of use. Raises Problem where the folder is none."""
    try:
        given = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["thresholds"]
        return {Criterion(name): float(value) for name, value in given.items() if value is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Problem(f"{folder}: no classifiers there; run train-aspects first") from None


@dataclass(frozen=True)
class _Held:
    """Logits of rows that were not trained on, with the truth, their use and their weights."""

    logits: np.ndarray
    positive: np.ndarray
    part: np.ndarray
    weights: np.ndarray

    def of(self, part: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        here = self.part == part
        return self.logits[here], self.positive[here], self.weights[here]


def _enough(seeds: Seeds) -> bool:
    return min(int(seeds.positive.sum()), int((~seeds.positive).sum())) >= _LEAST


def _texts(corpus: Corpus, seeds: Seeds, criterion: Criterion, texts: Told) -> list[str]:
    found = []
    for row, masked in zip(seeds.rows.tolist(), seeds.masked.tolist(), strict=True):
        message, change = texts[corpus.ids[row]]
        found.append(summary(mask(message, criterion) if masked else message, change))
    return found


def _start(shape: Shape, tokenizer: object, criterion: Criterion, seed: int) -> Classifier:
    weights = chance.digest(seed, "aspects/weights", criterion) >> 1
    if shape.base is None:
        model = small_model(
            tokenizer, layers=shape.layers, width=shape.width, max_tokens=shape.max_tokens, seed=weights
        )
        return Classifier(model, tokenizer, shape.max_tokens)
    with torch.random.fork_rng():
        torch.manual_seed(weights)  # of the new head
        return Classifier(*pretrained(shape.base), shape.max_tokens)


def _fit(
    classifier: Classifier, criterion: Criterion, corpus: Corpus, seeds: Seeds, texts: Told, schedule: Schedule,
    seed: int,
) -> _Held:  # fmt: skip
    own = _texts(corpus, seeds, criterion, texts)
    train, rest = np.flatnonzero(seeds.part == TRAIN), np.flatnonzero(seeds.part != TRAIN)
    names = [corpus.ids[row] for row in seeds.rows[train].tolist()]
    classifier.fit([own[at] for at in train.tolist()], seeds.positive[train], names, schedule, seed, str(criterion))
    logits = classifier.logits([own[at] for at in rest.tolist()])
    held = _Held(logits, seeds.positive[rest], seeds.part[rest], seeds.weights[rest])
    classifier.calibrate(*held.of(CALIBRATE))
    return held


def _sampled(classifier: Classifier, criterion: Criterion, sampled: Mapping[str, LabelledCommit], texts: Told) -> _Held:
    rows = [name for name in sorted(sampled) if criterion not in matches(texts[name][0])]
    return _Held(
        classifier.logits([summary(*texts[name]) for name in rows]),
        np.array([criterion in sampled[name].improves for name in rows], bool),
        np.full(len(rows), MEASURE),
        np.array([sampled[name].weight for name in rows]),
    )


def _curve_of(classifier: Classifier, held: _Held, part: int) -> Curve:
    logits, positive, weights = held.of(part)
    return curve(classifier.calibrated(logits), positive, weights)


def _measures(
    classifier: Classifier, criterion: Criterion, data: str, held: _Held, threshold: float | None
) -> list[Metric]:
    from sklearn.metrics import average_precision_score

    logits, positive, weights = held.of(MEASURE)
    values = classifier.calibrated(logits)
    measured: dict[str, float | None] = {"rows": len(values), "positives": int(positive.sum())}
    if threshold is not None:
        reached = values >= threshold
        right = float(weights[reached & positive].sum())
        measured |= {
            "precision": right / float(weights[reached].sum()) if reached.any() else None,
            "recall": right / float(weights[positive].sum()) if positive.any() else None,
            "reached": _effective(weights[reached]),
            "improving": _effective(weights[positive]),
        }
    if positive.any():
        measured["average_precision"] = float(average_precision_score(positive, values, sample_weight=weights))
    if len(values):
        for name, given in (("_raw", sigmoid(logits)), ("", values)):
            measured[f"calibration_error{name}"] = calibration_error(given, positive, weights)
            measured[f"brier{name}"] = brier(given, positive, weights)
    prefix = {"held_out": "", "sample": "sample_"}[data]
    own = [(criterion, "threshold", threshold)] if data == "held_out" else []
    return own + [
        (criterion, prefix + name, value if value is None else float(value)) for name, value in measured.items()
    ]


def _effective(weights: np.ndarray) -> float:
    return float(weights.sum() ** 2 / np.square(weights).sum()) if len(weights) else 0.0


def _points(criterion: Criterion, data: str, given: Curve) -> list[dict[str, object]]:
    columns = (given.thresholds.tolist(), given.precision.tolist(), given.recall.tolist())
    return [
        {"criterion": criterion.value, "data": data, "threshold": t, "precision": p, "recall": r}
        for t, p, r in zip(*columns, strict=True)
    ]


def _counts(criterion: Criterion, seeds: Seeds) -> list[Metric]:
    positive = int(seeds.positive.sum())
    return [
        (criterion, "seeds_positive", float(positive)),
        (criterion, "seeds_negative", float(len(seeds.rows) - positive)),
    ]


def _metrics(rows: list[Metric]) -> pa.Table:
    subjects, names, values = zip(*rows, strict=True)
    return pa.table(
        {
            "stage": pa.array(["aspects"] * len(rows)),
            "subject": pa.array([subject.value for subject in subjects]),
            "metric": pa.array(names),
            "step": pa.nulls(len(rows), pa.int64()),
            "value": pa.array(values, pa.float64()),
        }
    )
