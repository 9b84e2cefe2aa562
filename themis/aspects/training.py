"""Train the criterion classifiers on term-retrieved commits and measure them (paper section 3, step 2B)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from themis import chance, records
from themis.aspects.classifier import Classifier, Schedule, pretrained
from themis.aspects.scratch import small_model, small_tokenizer
from themis.aspects.seeds import Seeds, choose
from themis.aspects.summary import full_message, summary
from themis.aspects.terms import mask, matches
from themis.progress import track
from themis.vocabulary import CODE_CRITERIA, Criterion

MANIFEST = "classifiers.json"
COLUMNS = ("id", "split", "subject", "message", "path", "old_contents", "new_contents", "kept")
_LEAST = 8  # positives, and negatives, from which a classifier is trained


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
    *,
    shape: Shape,
    schedule: Schedule,
    held_out: float,
    max_seeds: int,
    threshold: float,
    threads: int,
    seed: int,
) -> None:
    """Write one classifier per criterion below `folder`, and the `metrics` table of stage "aspects".

    Only kept training rows are read. A criterion with fewer than 8 positives or negatives gets no classifier. The
    metrics of a criterion are its seeds ("positives", "negatives"), and on the held-out ones ("held_out",
    "held_out_positives") precision and recall at `threshold` and average precision; null where undefined, and absent
    where there is no classifier. The folder appears when all is trained; its manifest lists the classifiers.
    """
    torch.set_num_threads(threads)
    table = records.read(deduplicated, "deduplicated", COLUMNS)
    table = table.filter(pc.and_(table["kept"], pc.equal(table["split"], "train"))).sort_by("id")
    ids, messages = table["id"].to_pylist(), full_messages(table)
    found = [matches(message) for message in track(messages, "terms")]
    hits = {criterion: np.array([criterion in hit for hit in found], bool) for criterion in CODE_CRITERIA}
    seeds = {
        criterion: choose(hits, ids, criterion, max_seeds=max_seeds, held_out=held_out, seed=seed)
        for criterion in CODE_CRITERIA
    }
    enough = [criterion for criterion in CODE_CRITERIA if _enough(seeds[criterion])]
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        rows = [row for criterion in CODE_CRITERIA for row in _counts(criterion, seeds[criterion])]
        texts = {criterion: _texts(table, messages, seeds[criterion], criterion) for criterion in enough}
        tokenizer = None if shape.base else small_tokenizer(sorted({text for part in texts.values() for text in part}))
        for criterion in enough:
            classifier = _start(shape, tokenizer, criterion, seed)
            rows += _train(classifier, criterion, seeds[criterion], texts[criterion], ids, schedule, threshold, seed)
            classifier.save(part / criterion)
        (part / MANIFEST).write_text(json.dumps({"criteria": enough}, indent=1) + "\n", encoding="utf-8")
        part.chmod(0o755)
        records.write(_metrics(rows), metrics, "metrics", inputs=[deduplicated], seed=seed)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def full_messages(table: pa.Table) -> list[str]:
    """Subject and message of each row as one text."""
    return [
        full_message(subject, message)
        for subject, message in zip(table["subject"].to_pylist(), table["message"].to_pylist(), strict=True)
    ]


def summaries(table: pa.Table, messages: Sequence[str]) -> list[str]:
    """The classifiers' text of each row, with these messages."""
    columns = (table[name].to_pylist() for name in ("path", "old_contents", "new_contents"))
    return [summary(*values) for values in zip(messages, *columns, strict=True)]


def _enough(seeds: Seeds) -> bool:
    return min(int(seeds.positive.sum()), int((~seeds.positive).sum())) >= _LEAST


def _texts(table: pa.Table, messages: list[str], seeds: Seeds, criterion: Criterion) -> list[str]:
    own = [
        mask(messages[row], criterion) if masked else messages[row]
        for row, masked in zip(seeds.rows.tolist(), seeds.masked.tolist(), strict=True)
    ]
    return summaries(table.take(pa.array(seeds.rows)), own)


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


def _train(
    classifier: Classifier, criterion: Criterion, seeds: Seeds, texts: list[str], ids: list[str], schedule: Schedule,
    threshold: float, seed: int,
) -> list[tuple[str, str, float | None]]:  # fmt: skip
    train, test = np.flatnonzero(~seeds.held_out), np.flatnonzero(seeds.held_out)
    names = [ids[row] for row in seeds.rows[train].tolist()]
    classifier.fit([texts[at] for at in train.tolist()], seeds.positive[train], names, schedule, seed, str(criterion))
    held = [texts[at] for at in test.tolist()]
    classifier.calibrate(classifier.logits(held), seeds.positive[test])
    return _measure(criterion, classifier.probabilities(held), seeds.positive[test], threshold)


def _measure(
    criterion: Criterion, probabilities: np.ndarray, positive: np.ndarray, threshold: float
) -> list[tuple[str, str, float | None]]:
    from sklearn.metrics import average_precision_score

    reached = probabilities >= threshold
    right, ones = int((reached & positive).sum()), int(positive.sum())
    return [
        (criterion, "held_out", float(len(positive))),
        (criterion, "held_out_positives", float(ones)),
        (criterion, "precision", right / int(reached.sum()) if reached.any() else None),
        (criterion, "recall", right / ones if ones else None),
        (criterion, "average_precision", float(average_precision_score(positive, probabilities)) if ones else None),
    ]


def _counts(criterion: Criterion, seeds: Seeds) -> list[tuple[str, str, float | None]]:
    positive = int(seeds.positive.sum())
    return [(criterion, "positives", float(positive)), (criterion, "negatives", float(len(seeds.rows) - positive))]


def _metrics(rows: list[tuple[str, str, float | None]]) -> pa.Table:
    order = {criterion: at for at, criterion in enumerate(CODE_CRITERIA)}
    rows = sorted(rows, key=lambda row: order[Criterion(row[0])])  # stable: each criterion's metrics stay in order
    subjects, names, values = zip(*rows, strict=True)
    return pa.table(
        {
            "stage": pa.array(["aspects"] * len(rows)),
            "subject": pa.array([str(subject) for subject in subjects]),
            "metric": pa.array(names),
            "step": pa.nulls(len(rows), pa.int64()),
            "value": pa.array(values, pa.float64()),
        }
    )
