"""Intervals agree with independent formulas and do what intervals must."""

import numpy as np
import pytest
from scipy.stats import binomtest

from themis.analysis import intervals


@pytest.mark.parametrize(("right", "n"), [(0, 7), (1, 9), (8, 8), (37, 60), (500, 1000), (1, 8866)])
def test_wilson_agrees_with_scipy(right, n):
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert intervals.wilson(right, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_not_a_number():
    assert all(np.isnan(intervals.wilson(0, 0)))


def test_pairs_with_prompts_of_their_own_count_in_full():
    values = np.array([1.0, 0.0, 0.5, 1.0, 1.0])
    assert intervals.effective_size(values, np.arange(5)) == 5
    assert intervals.clustered_wilson(values, np.arange(5))[1:] == pytest.approx(intervals.wilson(3.5, 5))


def test_copies_of_a_pair_add_no_certainty():
    values = np.random.default_rng(0).integers(0, 2, 200).astype(float)
    once = intervals.clustered_wilson(values, np.arange(200))
    thrice = intervals.clustered_wilson(np.repeat(values, 3), np.repeat(np.arange(200), 3))
    assert thrice == pytest.approx(once)
    naive = intervals.wilson(3 * values.sum(), 600)
    assert naive[1] - naive[0] < 0.6 * (thrice.high - thrice.low)


def test_a_model_that_is_always_right_is_as_sure_as_it_has_prompts():
    assert intervals.effective_size(np.ones(40), np.arange(40) // 4) == 10


def test_the_bootstrap_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).integers(0, 2, 900).astype(float)
    got = intervals.cluster_bootstrap(values, np.arange(900), seed=5, resamples=4000)
    reach = 1.96 * values.std() / 30
    assert got.low == pytest.approx(got.value - reach, abs=0.15 * reach)
    assert got.high == pytest.approx(got.value + reach, abs=0.15 * reach)
    shared = intervals.cluster_bootstrap(np.repeat(values, 2), np.repeat(np.arange(900), 2), seed=5, resamples=4000)
    assert shared.high - shared.low == pytest.approx(got.high - got.low, rel=0.1)


def test_neither_the_order_of_rows_nor_anything_but_the_seed_matters():
    source = np.random.default_rng(2)
    values, clusters = source.integers(0, 3, 300) / 2, np.array([f"p{i}" for i in source.integers(0, 120, 300)])
    shuffled = source.permutation(300)
    first = intervals.cluster_bootstrap(values, clusters, seed=1)
    assert intervals.cluster_bootstrap(values[shuffled], clusters[shuffled], seed=1) == first
    assert intervals.cluster_bootstrap(values, clusters, seed=2) != first
    assert intervals.effective_size(values[shuffled], clusters[shuffled]) == intervals.effective_size(values, clusters)


def test_pairing_sees_a_small_difference_that_separate_intervals_hide():
    source = np.random.default_rng(3)
    worse = source.integers(0, 2, 1000).astype(float)
    better = np.where((worse == 0) & (source.random(1000) < 0.06), 1.0, worse)
    lead = intervals.paired_difference(better, worse, np.arange(1000), seed=0)
    assert lead.value == pytest.approx((better - worse).mean())
    assert lead.low > 0
    apart = [intervals.cluster_bootstrap(values, np.arange(1000), seed=0) for values in (better, worse)]
    assert apart[0].low < apart[1].high
    assert intervals.paired_difference(worse, worse, np.arange(1000), seed=0) == (0, 0, 0)
