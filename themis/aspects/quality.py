"""How good a classifier's probabilities are: precision and recall at every threshold, the one to use, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BINS = 10  # of the calibration error
_POINTS = 200  # of a curve, at most
_SUPPORT = 20.0  # rows of equal weight, below which a precision says little


@dataclass(frozen=True)
class Curve:
    """Precision and recall of what has at least the threshold, thresholds ascending."""

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    size: np.ndarray  # how many rows of equal weight tell as much (Kish 1965)


def curve(probabilities: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> Curve:
    """The curve over all distinct probabilities; each row counts by its weight. Empty where nothing is positive."""
    thresholds = np.unique(probabilities)
    order = np.argsort(probabilities, kind="stable")
    starts = np.searchsorted(probabilities[order], thresholds)
    reached = _from_each_on(weights[order], starts)
    right = _from_each_on((weights * positive)[order], starts)
    size = reached**2 / _from_each_on(np.square(weights[order]), starts)
    total = float(weights[positive].sum())
    if not total:
        return Curve(*(np.zeros(0) for _ in range(4)))
    return Curve(thresholds, right / reached, right / total, size)


def thinned(given: Curve) -> Curve:
    """At most 200 points of the curve, evenly spaced, the first and the last among them."""
    at = np.unique(np.linspace(0, len(given.thresholds) - 1, _POINTS).round().astype(int)) if len(given.size) else []
    return Curve(*(values[at] for values in (given.thresholds, given.precision, given.recall, given.size)))


def threshold_for(given: Curve, min_precision: float) -> float | None:
    """The least threshold at which the precision is at least that, on twenty effective rows or more; None: there is
    none, and the classifier is of no use."""
    fit = (given.precision >= min_precision) & (given.size >= _SUPPORT)
    return float(given.thresholds[np.argmax(fit)]) if fit.any() else None


def calibration_error(probabilities: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """The expected calibration error: over ten equal bins, the weighted mean of |share of positives - mean probability|
    (Naeini et al. 2015)."""
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights * (positive - probabilities), _BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def brier(probabilities: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean squared difference between probability and truth (Brier 1950)."""
    return float(np.average(np.square(probabilities - positive), weights=weights))


def _from_each_on(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.cumsum(values[::-1])[::-1][starts]
