"""Training examples of one criterion's classifier, taken from what the search terms find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from themis import chance
from themis.vocabulary import Criterion

TRAIN, CALIBRATE, MEASURE = 0, 1, 2  # what a seed is used for
# Commits that improve a criterion though no term reaches them, for each one that a term does: precision x (1 - recall) /
# recall of the lists on the report half of the sample read by eye, the median of the five criteria.
UNREACHED = 0.5


@dataclass(frozen=True)
class Corpus:
    """The commits that seeds are taken from."""

    ids: Sequence[str]
    repositories: Sequence[str]
    hits: Mapping[Criterion, np.ndarray]  # bool: a term of the criterion reaches the commit
    near: Mapping[Criterion, np.ndarray]  # bool: its message has a word of the criterion's terms


@dataclass(frozen=True)
class Seeds:
    """Seeds in order of id: row numbers, labels, use, whether its terms are taken out, commits it stands for."""

    rows: np.ndarray  # int64
    positive: np.ndarray  # bool
    part: np.ndarray  # TRAIN | CALIBRATE | MEASURE
    masked: np.ndarray  # bool
    weights: np.ndarray  # float64


def choose(corpus: Corpus, criterion: Criterion, *, max_seeds: int, held_out: float, seed: int) -> Seeds:
    """As many negatives as positives, at most `max_seeds` together.

    Positives are reached by a term of the criterion. Negatives are not, and come in three kinds in equal numbers, one
    standing in where another runs out: reached by another criterion's term; reached by none, though with a word of the
    criterion's terms in another sense; and plain ones, of repositories that have a positive as far as they go. A hash of
    (seed, id) picks, holds out that share of each kind, half of it to calibrate and half to measure, and takes the terms
    out of half of the training seeds, so that more is learnt than the list; held-out seeds are all without them, since
    the classifier's work is on messages that no term reaches. Among held-out seeds each counts for as many commits as
    the corpus has of its kind; a positive, for those that are like it but for the term.
    """
    own = corpus.hits[criterion]
    any_hit = np.logical_or.reduce(list(corpus.hits.values()))
    near = corpus.near[criterion] & ~any_hit
    kinds = [own, any_hit & ~own, near, ~any_hit & ~near]
    sizes = [int(kind.sum()) for kind in kinds]
    size = min(sizes[0], sum(sizes[1:]), max_seeds // 2)
    at_home = {corpus.repositories[row] for row in np.flatnonzero(own).tolist()}
    purpose = f"aspects/seeds/{criterion}"
    picked: list[tuple[int, int, float]] = []  # row, part, weight
    for place, (kind, wanted) in enumerate(zip(kinds, [size, *_shared(size, sizes[1:])], strict=True)):
        order = _order(np.flatnonzero(kind).tolist(), corpus.ids, purpose, seed)
        if place == len(kinds) - 1:
            order.sort(key=lambda row: corpus.repositories[row] not in at_home)  # stable: chance decides within
        stands_for = sizes[place] * (1.0 if place else UNREACHED)
        picked += _parted(order[:wanted], stands_for, corpus.ids, held_out, seed)
    picked.sort(key=lambda one: corpus.ids[one[0]])
    rows = np.array([row for row, _, _ in picked], np.int64)
    part = np.array([use for _, use, _ in picked], np.int64)
    half = [chance.uniform(seed, f"aspects/mask/{criterion}", corpus.ids[row]) < 0.5 for row in rows.tolist()]
    return Seeds(
        rows, own[rows], part, np.array(half, bool) | (part != TRAIN), np.array([weight for _, _, weight in picked])
    )


def _shared(size: int, sizes: Sequence[int]) -> list[int]:
    """`size` shared out evenly over kinds that have so many; together they have it."""
    shares = [0] * len(sizes)
    smallest_first = sorted(range(len(sizes)), key=lambda at: (sizes[at], at))
    for turn, at in enumerate(smallest_first):
        shares[at] = min(sizes[at], (size - sum(shares)) // (len(sizes) - turn))
    return shares


def _parted(
    rows: list[int], whole: float, ids: Sequence[str], held_out: float, seed: int
) -> list[tuple[int, int, float]]:
    """Each row with its part, and its weight among those of its part."""
    order = _order(rows, ids, "aspects/held-out", seed)
    count = round(held_out * len(order))
    parts = {MEASURE: order[: count // 2], CALIBRATE: order[count // 2 : count], TRAIN: order[count:]}
    return [(row, part, whole / len(members)) for part, members in parts.items() for row in members]


def _order(rows: list[int], ids: Sequence[str], purpose: str, seed: int) -> list[int]:
    return [rows[at] for at in chance.order(seed, purpose, [ids[row] for row in rows])]
