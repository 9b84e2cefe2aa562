"""Label each kept commit with the criterion it improves, by search terms and classifiers, and cap the labelled rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from themis import records
from themis.aspects.caps import within_caps
from themis.aspects.classifier import Classifier
from themis.aspects.terms import matches
from themis.aspects.training import MANIFEST, full_messages, summaries
from themis.errors import Problem
from themis.progress import track
from themis.vocabulary import CODE_CRITERIA, Criterion

TERM_PROBABILITY = 0.9  # that a commit whose message has a term of a criterion improves it
NO_CRITERION = "no criterion"
ROW_CAP = "row cap"


def label_aspects(
    deduplicated: Path,
    classifiers: Path,
    out: Path,
    ledger: Path,
    *,
    threshold: float,
    caps: Mapping[str, int | None],
    threads: int,
    seed: int,
) -> None:
    """Write the `labelled` table of the rows kept so far, sorted by id, and the ledger of stage "aspects" by split.

    The probability of a criterion is the classifier's p; with a term in the message 1 - (1 - 0.9)(1 - p), the two
    taken as independent evidence; without a classifier p is 0, so that the term alone speaks. `aspect` is the most
    probable criterion if it has at least `threshold`: of equals one reached by a term, then the first in order.
    `reached` says whether a term of that criterion was there. Rows without an aspect, and those beyond the split's
    cap in `caps`, stay in the table with kept = False.
    """
    torch.set_num_threads(threads)
    table = records.read(deduplicated, "deduplicated")
    table = table.filter(table["kept"]).sort_by("id")
    found = [matches(message) for message in track(full_messages(table), "terms")]
    terms = np.array([[criterion in hit for criterion in CODE_CRITERIA] for hit in found], bool)
    terms = terms.reshape(len(table), len(CODE_CRITERIA))
    probabilities = combine(_classified(table, classifiers), terms)
    best, reached = decide(probabilities, terms, threshold)
    aspects = [CODE_CRITERIA[at].value if at >= 0 else None for at in best.tolist()]
    splits = table["split"].to_pylist()
    by_term = [way == "term" for way in reached]
    ids, languages = table["id"].to_pylist(), table["language"].to_pylist()
    kept = within_caps(ids, splits, aspects, languages, by_term, caps, seed)
    table = table.set_column(table.column_names.index("kept"), "kept", pa.array(kept))
    for at, criterion in enumerate(CODE_CRITERIA):
        table = table.append_column(criterion.value, pa.array(probabilities[:, at]))
    table = table.append_column("aspect", pa.array(aspects, pa.string()))
    table = table.append_column("reached", pa.array(reached, pa.string()))
    inputs = [deduplicated, classifiers / MANIFEST]
    records.write(table, out, "labelled", inputs=inputs, seed=seed)
    _account(splits, best >= 0, kept).write(ledger, inputs=inputs)


def combine(classified: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Probabilities [N, 5] from the classifiers' [N, 5] and the term hits [N, 5]: the noisy or of both."""
    return np.round(np.where(terms, 1 - (1 - TERM_PROBABILITY) * (1 - classified), classified), 5)


def decide(probabilities: np.ndarray, terms: np.ndarray, threshold: float) -> tuple[np.ndarray, list[str]]:
    """For each row the number of its criterion, -1 for none, and how it was reached: term, classifier or none."""
    if not len(probabilities):
        return np.zeros(0, np.int64), []
    top = probabilities == probabilities.max(axis=1, keepdims=True)
    best = np.argmax(np.where(top, 1 + terms, 0), axis=1)
    rows = np.arange(len(best))
    best[probabilities[rows, best] < threshold] = -1
    ways = np.where(best < 0, "none", np.where(terms[rows, best], "term", "classifier"))
    return best, ways.tolist()


def _classified(table: pa.Table, folder: Path) -> np.ndarray:
    """The classifiers' probabilities [N, 5]; 0 for a criterion that has none."""
    names = _manifest(folder)
    values = np.zeros((len(table), len(CODE_CRITERIA)))
    if names:
        texts = summaries(table, full_messages(table))
        for name in names:
            values[:, CODE_CRITERIA.index(name)] = Classifier.load(folder / name).probabilities(texts, name.value)
    return values


def _manifest(folder: Path) -> list[Criterion]:
    try:
        return [Criterion(name) for name in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["criteria"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise Problem(f"{folder}: no classifiers there; run train-aspects first") from None


def _account(splits: list[str], labelled: np.ndarray, kept: np.ndarray) -> records.Ledger:
    ledger = records.Ledger("aspects")
    split = np.array(splits, dtype=object)
    for scope in sorted(set(splits)):
        here = split == scope
        ledger.keep(scope, int((here & kept).sum()))
        ledger.drop(NO_CRITERION, scope, int((here & ~labelled).sum()))
        ledger.drop(ROW_CAP, scope, int((here & labelled & ~kept).sum()))
    return ledger
