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


def test_sizes_of_many_columns_are_those_of_each():
    source = np.random.default_rng(6)
    clusters = source.integers(0, 60, 150)
    values = source.integers(0, 3, (150, 8)) / 2
    values[:, 0], values[:, 1] = 0, 1
    sizes = intervals.effective_sizes(values, clusters)
    for column, size in zip(values.T, sizes, strict=True):
        assert size == pytest.approx(intervals.effective_size(column, clusters))
        share = column.mean()
        if not 0 < share < 1:
            assert size == len(np.unique(clusters))
            continue
        sums = [column[clusters == cluster].sum() - share * (clusters == cluster).sum() for cluster in set(clusters)]
        effect = sum(total**2 for total in sums) / 150**2 / (share * (1 - share) / 150)
        assert size == pytest.approx(150 / max(1, effect))


@pytest.mark.parametrize("kind", ["halves", "thirds"])  # sums in single precision, and in double
def test_means_of_drawn_prompts_are_those_of_the_rows_drawn(kind):
    """Columns of one draw meet the same prompts, and the mean is that of the prompts' pairs, not of their means."""
    source = np.random.default_rng(7)
    clusters = source.integers(0, 40, 130)
    values = source.integers(0, 3, (130, 3)) / (2 if kind == "halves" else 3)
    draws = intervals.resampled_means(values, clusters, np.random.default_rng(1), 450)
    names, again = np.unique(clusters), np.random.default_rng(1)
    for start in range(0, 450, 200):
        for place, drawn in enumerate(again.integers(0, len(names), size=(min(200, 450 - start), len(names)))):
            rows = np.concatenate([np.flatnonzero(clusters == names[number]) for number in drawn])
            assert draws[start + place] == pytest.approx(
                values[rows].mean(axis=0), abs=1e-12 if kind == "thirds" else 0
            )


def test_columns_do_not_depend_on_their_neighbours():
    source = np.random.default_rng(8)
    clusters, values = source.integers(0, 90, 200), source.integers(0, 3, (200, 30)) / 2
    together = intervals.resampled_means(values, clusters, np.random.default_rng(2), 300)
    alone = intervals.resampled_means(values[:, 17:18], clusters, np.random.default_rng(2), 300)
    assert (together[:, 17:18] == alone).all()
