"""Temperatures are found again, calibrated models are seen to be, and no pair judges a fit it took part in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from themis import chance
from themis.analysis.calibration import calibration, fit_temperature
from themis.analysis.panel import Panel

N, BINS = 20_000, 10
WIN, TIE, LOSS, MISSING = range(4)


def panel_of(margins, missing=None):
    """A model a column of margins [P, M]; a rejected response scores 0."""
    margins = np.asarray(margins, dtype=float)
    missing = np.zeros(margins.shape, dtype=bool) if missing is None else missing
    outcome = np.where(missing, MISSING, np.where(margins > 0, WIN, np.where(margins == 0, TIE, LOSS)))
    pairs = len(margins)
    return Panel(
        models=tuple(f"m{place}" for place in range(margins.shape[1])),
        ids=tuple(f"{place:05d}" for place in range(pairs)),
        cluster=np.arange(pairs),
        outcome=outcome.astype(np.int8),
        absent=np.zeros(margins.shape, dtype=bool),
        chosen=np.where(missing, np.nan, margins),
        rejected=np.where(missing, np.nan, 0.0),
        labels={},
    )


def bradley_terry(temperatures, n=N, seed=0):
    """Margins [n, M] of models that know the log odds of each pair, times their temperature."""
    source = np.random.default_rng(seed)
    odds = source.normal(0, 2, n)
    chosen = np.where(source.random(n) < expit(odds), odds, -odds)
    return chosen[:, None] * np.asarray(temperatures)


def halves(n, seed=0):
    return np.array([chance.digest(seed, "calibration", f"{place:05d}") % 2 for place in range(n)])


def loss(margin):
    """Mean of -log sigma(margin), one pair at a time."""
    return math.fsum(math.log1p(math.exp(-abs(m))) + max(-m, 0.0) for m in margin) / len(margin)


def expected_error(margin):
    """The expected calibration error, one bin at a time."""
    confidence, total = expit(np.abs(margin)), 0.0
    for place in range(BINS):
        low, high = 0.5 + place / (2 * BINS), 0.5 + (place + 1) / (2 * BINS)
        inside = (confidence >= low) & ((confidence < high) | (place == BINS - 1))
        credits = [1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margin[inside]]
        total += abs(sum(credits) - confidence[inside].sum())
    return total / len(margin)


def test_known_temperatures_are_found_again():
    true = [0.02, 0.5, 1.0, 2.0, 300.0]
    table, _ = calibration(panel_of(bradley_terry(true)))
    assert table["temperature"].to_list() == pytest.approx(true, rel=0.05)
    assert table["n"].to_list() == [N] * 5


def test_a_calibrated_model_is_seen_to_be_and_one_too_sure_is_mended():
    right, sure = calibration(panel_of(bradley_terry([1, 2])))[0].to_dicts()
    assert right["ece"] < 0.01
    assert right["nll_scaled"] == pytest.approx(right["nll"], abs=0.001)
    assert sure["ece"] > 0.04
    assert sure["ece_scaled"] < 0.01
    assert sure["nll_scaled"] < sure["nll"] - 0.01
    assert sure["nll_scaled"] == pytest.approx(right["nll_scaled"], abs=1e-6)  # the same model, in another unit


def test_losses_and_errors_are_those_counted_pair_by_pair():
    margins = np.round(bradley_terry([3.0, 0.3], n=600, seed=1), 1)
    assert (margins == 0).any()
    table, curve = calibration(panel_of(margins))
    for place, row in enumerate(table.iter_rows(named=True)):
        assert row["nll"] == pytest.approx(loss(margins[:, place]), abs=1e-12)
        assert row["ece"] == pytest.approx(expected_error(margins[:, place]), abs=1e-12)
        bins = curve.filter(model=row["model"], scaled=False)
        assert bins["n"].sum() == 600
        gaps = (bins["accuracy"] - bins["confidence"]).abs() * bins["n"]
        assert gaps.sum() / 600 == pytest.approx(row["ece"], abs=1e-12)
        assert ((bins["low"] <= bins["confidence"]) & (bins["confidence"] <= bins["high"])).all()
        scaled = curve.filter(model=row["model"], scaled=True)
        gaps = (scaled["accuracy"] - scaled["confidence"]).abs() * scaled["n"]
        assert gaps.sum() / 600 == pytest.approx(row["ece_scaled"], abs=1e-12)


def slope(margin):
    """1/T by logistic regression through the origin: each pair once as it is, once mirrored."""
    both = np.concatenate([margin, -margin])[:, None]
    side = np.repeat([1, 0], len(margin))
    fit = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000).fit(both, side)
    return float(fit.coef_[0, 0])


def test_each_half_is_scaled_by_the_fit_of_the_other():
    margin = bradley_terry([2.0], n=300, seed=2)[:, 0]
    half = halves(300)
    slopes = [slope(margin[half == side]) for side in (0, 1)]
    assert abs(slopes[0] - slopes[1]) > 0.01  # else it could not be seen which was used
    row = calibration(panel_of(margin[:, None]))[0].row(0, named=True)
    crossed = np.where(half == 0, margin * slopes[1], margin * slopes[0])
    own = np.where(half == 0, margin * slopes[0], margin * slopes[1])
    assert row["nll_scaled"] == pytest.approx(loss(crossed), abs=1e-7)
    assert row["nll_scaled"] > loss(own) + 1e-5
    assert row["temperature"] == pytest.approx(1 / math.sqrt(slopes[0] * slopes[1]), rel=1e-4)


def test_scaling_a_model_that_needs_none_costs_a_little():
    """A temperature fitted on the pairs it is judged by can only gain; on others it must lose, where T = 1 is true."""
    data = [bradley_terry([1.0], n=60, seed=seed) for seed in range(100)]
    table, _ = calibration(panel_of(np.concatenate(data, axis=1)))
    assert (table["nll_scaled"] - table["nll"]).mean() > 0
    assert (table["nll_scaled"] > table["nll"]).mean() > 0.2


def test_margins_of_any_size_give_numbers():
    signs = np.where(bradley_terry([1.0], n=400, seed=3) > 0, 1.0, -1.0)
    margins = np.concatenate([signs * 5e8, np.abs(signs) * 5e8, -np.abs(signs) * 5e8, signs * 1e-3, signs * 0], axis=1)
    table, curve = calibration(panel_of(margins))
    for part in (table, curve):
        numbers = part.select(part.columns[3:] if part is curve else part.columns[1:]).to_numpy().astype(float)
        assert np.isfinite(numbers).all()
    wild = table.row(0, named=True)
    share = (signs < 0).mean()
    assert wild["nll"] == pytest.approx(5e8 * share)
    assert wild["nll_scaled"] == pytest.approx(-share * math.log(share) - (1 - share) * math.log(1 - share), abs=0.01)
    wrong = table.row(2, named=True)  # always sure and wrong: scaled to the limit, it says nothing
    assert wrong["temperature"] == pytest.approx(math.exp(24), rel=0.01)
    assert table["nll"][4] == pytest.approx(math.log(2))
    assert table["ece"][4] == 0  # never sure, half right


def test_the_fit_is_the_least_loss_of_all_temperatures():
    margin = bradley_terry([7.0], n=500, seed=4)[:, 0]
    found = fit_temperature(margin)
    assert all(loss(margin / found) <= loss(margin / other) + 1e-12 for other in np.geomspace(0.1, 1000, 60))


def test_missing_pairs_are_left_out():
    margins = bradley_terry([2.0], n=500, seed=5)
    missing = np.arange(500)[:, None] % 5 == 0
    row = calibration(panel_of(margins, missing))[0].row(0, named=True)
    assert row["n"] == 400
    assert row["nll"] == pytest.approx(loss(margins[~missing]), abs=1e-12)
    nothing, curve = calibration(panel_of(margins, np.ones((500, 1), dtype=bool)))
    assert nothing.row(0) == ("m0", 0, None, None, None, None, None)
    assert curve.is_empty()


def test_the_halves_depend_on_the_seed():
    data = panel_of(bradley_terry([2.0], n=300, seed=6))
    first, again, other = (calibration(data, seed)[0] for seed in (1, 1, 2))
    assert first.equals(again)
    assert first["nll"].equals(other["nll"])
    assert not first["nll_scaled"].equals(other["nll_scaled"])
