"""The rule of RewardBench 2's subset Ties: right answers above wrong ones, and nearer to each other than to those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from themis.analysis import intervals
from themis.analysis.intervals import Estimate
from themis.errors import Problem

# Of the score: the tied question and its reference accurate, correctness preferred on the tied, on both, and the margin.
_WEIGHTS = np.array([0.30, 0.30, 0.20, 0.20, 0.01])
_KINDS = ("tied", "ref")


class TiesScore(NamedTuple):
    """The subset's score; `n` questions, of which `missing` have a response without a score."""

    n: int
    missing: int
    estimate: Estimate


class _Stats(NamedTuple):
    """One row: does every right answer beat every wrong one, how far apart the right ones are, how far from the wrong."""

    accurate: bool
    spread: float
    margin: float


def ties_score(
    cells: Sequence[tuple[str, int, int]],
    chosen: np.ndarray,
    rejected: np.ndarray,
    *,
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> TiesScore:
    """The score of the pairs (row, chosen, rejected), with its 95% bootstrap interval over questions.

    A question N has the rows `tied:N`, with several right answers, and `ref:N`, with one. The margin of a row is that of
    its lowest right answer over its highest wrong one; it is accurate where that is above 0. With the spread of the tied
    row's right answers, the score is 0.3 x share of accurate tied rows + 0.3 x of accurate reference rows + 0.2 x share
    of questions whose tied margin is above the spread + 0.2 x whose lesser margin is + 0.01 x mean of tanh(lesser margin
    / spread - 1), 0 for 0 / 0; the last three over questions that have both rows (Malik et al. 2025; `run_v2` of
    RewardBench). A row with a missing score is right in nothing. Raises Problem where an id is of another form.
    """
    stats = _stats(cells, chosen, rejected)
    questions = sorted({name for _, name in stats})
    parts = np.array([_parts(stats.get(("tied", name)), stats.get(("ref", name))) for name in questions])
    missing = sum(any(np.isnan(stats[key].margin) for key in stats if key[1] == name) for name in questions)
    source = intervals.generator(seed, "ties")
    drawn = source.integers(0, len(parts), size=(resamples, len(parts)))
    draws = np.array([_score(parts[one]) for one in drawn])
    return TiesScore(len(questions), missing, Estimate(_score(parts), *intervals.percentiles(draws)))


def _score(parts: np.ndarray) -> float:
    """The weighted sum of the means [5] of parts [questions, 5], of those that a question has."""
    known = ~np.isnan(parts)
    means = np.where(known, parts, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return float(_WEIGHTS @ means)


def _parts(tied: _Stats | None, ref: _Stats | None) -> tuple[float, ...]:
    """What a question adds to each mean; not a number where it has no such row."""
    accurate = [np.nan if one is None else float(one.accurate) for one in (tied, ref)]
    if tied is None or ref is None:
        return (*accurate, np.nan, np.nan, np.nan)
    lesser = min(tied.margin, ref.margin) if not np.isnan(tied.margin + ref.margin) else np.nan
    return (*accurate, float(tied.margin > tied.spread), float(lesser > tied.spread), _closeness(lesser, tied.spread))


def _closeness(margin: float, spread: float) -> float:
    if np.isnan(margin):
        return 0.0
    if spread == 0:
        return float(np.sign(margin))  # the limit of the hyperbolic tangent; 0 where there is none
    return float(np.tanh(margin / spread - 1))


def _stats(
    cells: Sequence[tuple[str, int, int]], chosen: np.ndarray, rejected: np.ndarray
) -> dict[tuple[str, str], _Stats]:
    """By kind and question: the scores of its right and wrong answers, each once, compared."""
    right: dict[tuple[str, str], dict[int, float]] = {}
    wrong: dict[tuple[str, str], dict[int, float]] = {}
    for (row, i, j), better, worse in zip(cells, chosen.tolist(), rejected.tolist(), strict=True):
        kind, _, name = row.rpartition("/")[2].partition(":")
        if kind not in _KINDS or not name:
            raise Problem(f"pair {row}: a row of Ties is called ref:N or tied:N")
        right.setdefault((kind, name), {})[i] = better
        wrong.setdefault((kind, name), {})[j] = worse
    found = {}
    for key in right:
        good, bad = (np.array(list(one[key].values())) for one in (right, wrong))
        margin = float(good.min() - bad.max())  # not a number where one of them is
        found[key] = _Stats(margin > 0, float(np.ptp(good)), margin)
    return found
