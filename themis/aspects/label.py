"""Give the kept commits of a shard the criterion they improve, by search terms and classifiers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import torch

from themis import records
from themis.aspects.classifier import Classifier
from themis.aspects.summary import change, full_message, summary
from themis.aspects.terms import matches
from themis.aspects.training import MANIFEST, thresholds_of
from themis.errors import Problem
from themis.progress import bar
from themis.records.tables import check
from themis.vocabulary import CODE_CRITERIA, Criterion

# That a commit reached by a term improves the criterion: the lists' precision on the report half of the sample read by
# eye (`themis measure-terms`).
TERM_PROBABILITY = {
    Criterion.FUNCTIONAL_CORRECTNESS: 0.75,
    Criterion.RUNTIME_EFFICIENCY: 0.66,
    Criterion.MEMORY_EFFICIENCY: 0.65,
    Criterion.SECURITY_HARDNESS: 0.48,
    Criterion.READABILITY_MAINTAINABILITY: 0.83,
}
_COLUMNS = ("id", "path", "subject", "message", "old_contents", "new_contents")
_ROWS = 1024  # with their contents, held at a time


def label_aspects(
    deduplicated: Path, classifiers: Path, out: Path, *, shard: int, shards: int, threads: int, seed: int
) -> None:
    """Write the `aspects` table of the kept rows whose ids fall to `shard`, of 0 to `shards` - 1, sorted by id.

    The probability of a criterion is the classifier's p; with a term in the message 1 - (1 - t)(1 - p), t being how
    often the term is right, the two taken as independent evidence; where no classifier is of use p is 0, so that the term
    alone speaks. `aspect` is the most probable of the criteria reached: by a term, or by a classifier whose p has its
    threshold. Of equals one reached by a term goes first, then the first in order. `reached` says how: term, classifier
    or none.
    """
    torch.set_num_threads(threads)
    thresholds = thresholds_of(classifiers)
    loaded = {criterion: Classifier.load(classifiers / criterion) for criterion in thresholds}
    rows = _labelled(_shard(deduplicated, shard, shards), loaded, thresholds)
    # The shard's rows without their contents are small; only their order is left to see to.
    table = pa.concat_tables([records.SCHEMAS["aspects"].empty_table(), *rows]).sort_by("id")
    records.write(table, out, "aspects", inputs=[deduplicated, classifiers / MANIFEST], seed=seed)


def combine(classified: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Probabilities [N, 5] from the classifiers' [N, 5] and the term hits [N, 5]: the noisy or of both."""
    term = np.array([TERM_PROBABILITY[criterion] for criterion in CODE_CRITERIA])
    return np.round(1 - (1 - term * terms) * (1 - classified), 5)


def decide(probabilities: np.ndarray, terms: np.ndarray, classified: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """For each row the number of its criterion, -1 for none, and how it was reached: term, classifier or none.

    `terms` and `classified` [N, 5] tell which criteria a term, and a classifier at its threshold, reached.
    """
    if not len(probabilities):
        return np.zeros(0, np.int64), []
    candidates = np.where(terms | classified, probabilities, -1.0)
    top = candidates == candidates.max(axis=1, keepdims=True)
    best = np.argmax(np.where(top, 1 + terms, 0), axis=1)
    rows = np.arange(len(best))
    best[candidates[rows, best] < 0] = -1
    ways = np.where(best < 0, "none", np.where(terms[rows, best], "term", "classifier"))
    return best, ways.tolist()


def _labelled(
    batches: Iterator[pa.RecordBatch],
    classifiers: Mapping[Criterion, Classifier],
    thresholds: Mapping[Criterion, float],
) -> Iterator[pa.Table]:
    at_least = np.array([thresholds.get(criterion, np.inf) for criterion in CODE_CRITERIA])
    with bar("labelled") as shown:
        for batch in batches:
            columns = {name: batch[name].to_pylist() for name in _COLUMNS}
            messages = [full_message(*pair) for pair in zip(columns["subject"], columns["message"], strict=True)]
            found = [matches(message) for message in messages]
            terms = np.array([[criterion in hit for criterion in CODE_CRITERIA] for hit in found], bool)
            terms = terms.reshape(len(messages), len(CODE_CRITERIA))
            classified = np.zeros(terms.shape)
            if classifiers:
                changes = map(change, columns["path"], columns["old_contents"], columns["new_contents"])
                texts = [summary(*pair) for pair in zip(messages, changes, strict=True)]
                for criterion, classifier in classifiers.items():
                    classified[:, CODE_CRITERIA.index(criterion)] = classifier.probabilities(texts)
            probabilities = combine(classified, terms)
            best, reached = decide(probabilities, terms, classified >= at_least)
            yield pa.table(
                {
                    "id": batch["id"],
                    **{criterion.value: probabilities[:, at] for at, criterion in enumerate(CODE_CRITERIA)},
                    "aspect": pa.array([CODE_CRITERIA[at].value if at >= 0 else None for at in best], pa.string()),
                    "reached": pa.array(reached, pa.string()),
                },
                schema=records.SCHEMAS["aspects"],
            )
            shown.update(len(messages))


def _shard(deduplicated: Path, shard: int, shards: int) -> Iterator[pa.RecordBatch]:
    """The kept rows of a shard, a range of the ids: as the table is sorted by them, other parts of it are not decoded."""
    if not 0 <= shard < shards:
        raise Problem(f"shard {shard} of {shards}: shards are numbered 0 to {shards - 1}")
    check(deduplicated, "deduplicated", (*_COLUMNS, "kept"))
    low, high = (f"{at * (1 << 32) // shards:08x}" for at in (shard, shard + 1))
    here = pc.field("kept") & (pc.field("id") >= low)
    if shard + 1 < shards:
        here &= pc.field("id") < high
    yield from ds.dataset(deduplicated).to_batches(
        columns=list(_COLUMNS), filter=here, batch_size=_ROWS, batch_readahead=1, fragment_readahead=1
    )
