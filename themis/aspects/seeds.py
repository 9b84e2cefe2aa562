"""Training examples of one criterion's classifier, taken from what the search terms find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from themis import chance
from themis.vocabulary import Criterion


@dataclass(frozen=True)
class Seeds:
    """Seeds in order of id: row numbers, labels, and whether a seed is held out and has its terms taken out."""

    rows: np.ndarray  # int64
    positive: np.ndarray  # bool
    held_out: np.ndarray  # bool
    masked: np.ndarray  # bool


def choose(
    hits: dict[Criterion, np.ndarray], ids: list[str], criterion: Criterion, *, max_seeds: int, held_out: float, seed: int
) -> Seeds:  # fmt: skip
    """As many negatives as positives, at most `max_seeds` together.

    Positives are hit by a term of the criterion. Negatives are hit by none of its terms: half by another criterion's,
    half by none at all, one kind standing in where the other runs out. A hash of (seed, id) picks, holds out that
    share of either class, and takes the terms out of half of the training seeds, so that more is learnt than the
    list; held-out seeds are all without them, since the classifier's work is on messages that no term reaches.
    """
    own = hits[criterion]
    any_hit = np.logical_or.reduce(list(hits.values()))
    positives = np.flatnonzero(own)
    hard, plain = np.flatnonzero(any_hit & ~own), np.flatnonzero(~any_hit)
    size = min(len(positives), len(hard) + len(plain), max_seeds // 2)
    from_plain = max(min(size // 2, len(plain)), size - len(hard))
    purpose = f"aspects/seeds/{criterion}"
    taken = (
        _pick(positives, ids, size, purpose, seed),
        _pick(hard, ids, size - from_plain, purpose, seed) + _pick(plain, ids, from_plain, purpose, seed),
    )
    out = {
        row
        for group in taken
        for row in _pick(np.array(group, np.int64), ids, round(held_out * len(group)), "aspects/held-out", seed)
    }
    rows = sorted(taken[0] + taken[1], key=lambda row: ids[row])
    held = np.array([row in out for row in rows], bool)
    masked = np.array([chance.uniform(seed, f"aspects/mask/{criterion}", ids[row]) < 0.5 for row in rows], bool)
    return Seeds(np.array(rows, np.int64), own[rows] if rows else np.zeros(0, bool), held, masked | held)


def _pick(rows: np.ndarray, ids: list[str], count: int, purpose: str, seed: int) -> list[int]:
    order = chance.order(seed, purpose, [ids[row] for row in rows])
    return [int(rows[at]) for at in order[:count]]
