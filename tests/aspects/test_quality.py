"""Curves, thresholds and calibration errors are what counting row by row gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from themis.aspects.quality import brier, calibration_error, curve, thinned, threshold_for


def made(number: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.random(number)
    return np.round(truth, 2), draw.random(number) < truth, draw.integers(1, 9, number).astype(float)


def test_the_curve_is_that_of_scikit_learn_at_every_distinct_probability() -> None:
    values, positive, weights = made(500)
    found = curve(values, positive, weights)
    precision, recall, thresholds = precision_recall_curve(positive, values, sample_weight=weights)
    assert found.thresholds == pytest.approx(thresholds)
    assert found.precision == pytest.approx(precision[:-1]) and found.recall == pytest.approx(recall[:-1])
    reached = [weights[values >= at] for at in thresholds]
    assert found.size == pytest.approx([part.sum() ** 2 / (part**2).sum() for part in reached])


def test_a_curve_is_thinned_to_its_ends_and_two_hundred_points() -> None:
    draw = np.random.default_rng(2).random(1000)
    found = curve(draw, draw > 0.5, np.ones(1000))
    few = thinned(found)
    assert len(few.thresholds) == 200 and set(few.thresholds) <= set(found.thresholds)
    assert (few.thresholds[0], few.thresholds[-1]) == (found.thresholds[0], found.thresholds[-1])
    assert len(thinned(curve(*made(30))).thresholds) == len(curve(*made(30)).thresholds)


def test_nothing_positive_gives_no_curve_and_no_threshold() -> None:
    for values in (np.zeros(0), np.array([0.2, 0.4])):
        none = thinned(curve(values, np.zeros(len(values), bool), np.ones(len(values))))
        assert len(none.thresholds) == 0 and threshold_for(none, 0.0) is None


def test_the_threshold_is_the_least_that_is_precise_enough_and_stands_on_twenty_rows() -> None:
    values, positive, weights = made(400, seed=5)
    found = curve(values, positive, weights)
    chosen = threshold_for(found, 0.8)
    assert chosen is not None

    def precision(at: float) -> float:
        return weights[positive & (values >= at)].sum() / weights[values >= at].sum()

    assert precision(chosen) >= 0.8
    assert all(precision(at) < 0.8 for at in np.unique(values) if at < chosen)
    few = np.array([0.9] * 19 + [0.1] * 50), np.array([True] * 19 + [False] * 50), np.ones(69)
    assert threshold_for(curve(*few), 0.5) is None  # all nineteen right, and still too few to trust
    more = np.array([0.9] * 20 + [0.1] * 50), np.array([True] * 20 + [False] * 50), np.ones(70)
    assert threshold_for(curve(*more), 0.5) == 0.9


def test_calibration_error_and_brier_score_are_weighted_means() -> None:
    values, positive, weights = made(2000, seed=7)
    error = 0.0
    for low in range(10):
        here = [i for i, value in enumerate(values) if min(int(value * 10), 9) == low]
        share = np.average(positive[here], weights=weights[here])
        error += weights[here].sum() / weights.sum() * abs(share - np.average(values[here], weights=weights[here]))
    assert calibration_error(values, positive, weights) == pytest.approx(error)
    assert error < 0.05  # they are frequencies by construction
    assert brier(np.array([0.5, 1.0]), np.array([True, False]), np.array([3.0, 1.0])) == pytest.approx((3 / 4 + 1) / 4)
