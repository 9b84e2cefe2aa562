"""Models side by side: the paired t test, clustered as a regression clusters and corrected as Holm did; their places,
how alike they decide, and how alike criteria rank them, each against an independent count."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests

from themis.analysis.agreement import agreement, criteria_correlation
from themis.analysis.comparisons import comparisons
from themis.analysis.panel import OUTCOMES, Panel
from themis.analysis.ranks import ranks
from themis.analysis.resampling import Resampler

WIN, TIE, LOSS, MISSING = range(4)
CREDIT = np.array([1.0, 0.5, 0.0, 0.0])  # of OUTCOMES in their order


def panel_of(outcome, cluster=None, aspect=None):
    outcome = np.asarray(outcome, dtype=np.int8)
    pairs, models = outcome.shape
    nothing = np.full(outcome.shape, np.nan)
    return Panel(
        models=tuple("abcdefgh"[:models]),
        ids=tuple(f"{place:04d}" for place in range(pairs)),
        cluster=np.arange(pairs) if cluster is None else np.asarray(cluster),
        outcome=outcome,
        absent=np.zeros(outcome.shape, dtype=bool),
        chosen=nothing,
        rejected=nothing,
        labels={"aspect": np.array(["one"] * pairs if aspect is None else aspect)},
    )


def drawn(pairs, models, seed, clusters=None):
    """Outcomes of models that differ, all kinds, alike within a cluster."""
    source = np.random.default_rng(seed)
    cluster = np.arange(pairs) if clusters is None else source.integers(0, clusters, pairs)
    ease = source.normal(size=cluster.max() + 1)[cluster][:, None] + np.linspace(0, 0.5, models)
    level = ease + source.normal(size=(pairs, models))
    return np.digitize(-level, [-0.3, 0.0, 1.5]).astype(np.int8), cluster


def rows(table, group="overall"):
    return {(row["first"], row["second"]): row for row in table.filter(group=group).iter_rows(named=True)}


def test_the_outcomes_are_in_the_order_this_file_takes_them_to_be():
    assert OUTCOMES == ("win", "tie", "loss", "missing")


def test_with_a_prompt_per_pair_it_is_the_paired_t_test():
    outcome, _ = drawn(200, 4, seed=0)
    assert set(np.unique(outcome)) == {WIN, TIE, LOSS, MISSING}
    aspect = np.array(["readability_maintainability", "functional_correctness"])[np.arange(200) % 2]
    table = comparisons(panel_of(outcome, aspect=aspect))
    assert table["group"].unique(maintain_order=True).to_list() == ["overall", *sorted(set(aspect))]
    for group in ("overall", *sorted(set(aspect))):
        chosen = np.arange(200) if group == "overall" else np.flatnonzero(aspect == group)
        found = rows(table, group)
        assert set(found) == set(itertools.combinations("abcd", 2))
        for (first, second), row in found.items():
            one, other = (CREDIT[outcome[chosen, "abcd".index(model)]] for model in (first, second))
            paired, single = stats.ttest_rel(one, other), stats.ttest_1samp(one - other, 0)
            ends = single.confidence_interval(0.95)
            assert (row["n"], row["prompts"]) == (len(chosen), len(chosen))
            assert row["difference"] == pytest.approx((one - other).mean(), abs=1e-9)
            assert row["statistic"] == pytest.approx(paired.statistic, abs=1e-9)
            assert row["p"] == pytest.approx(paired.pvalue, abs=1e-9)
            assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_with_shared_prompts_it_is_a_regression_with_clustered_errors():
    """OLS of the differences on a constant; of statsmodels' factor G/(G-1) (n-1)/(n-k) only G/(G-1) is left at k = 1."""
    outcome, cluster = drawn(300, 3, seed=1, clusters=60)
    found = rows(comparisons(panel_of(outcome, cluster)))
    for (first, second), row in found.items():
        difference = CREDIT[outcome[:, "abc".index(first)]] - CREDIT[outcome[:, "abc".index(second)]]
        fit = sm.OLS(difference, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True)
        assert fit.df_resid_inference == len(np.unique(cluster)) - 1 == row["prompts"] - 1
        assert row["difference"] == pytest.approx(fit.params[0], abs=1e-9)
        assert row["statistic"] == pytest.approx(fit.tvalues[0], abs=1e-9)
        assert row["p"] == pytest.approx(fit.pvalues[0], abs=1e-9)
        assert (row["low"], row["high"]) == pytest.approx(tuple(fit.conf_int(0.05)[0]), abs=1e-9)
        bare = sm.OLS(difference, np.ones(300)).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}, use_t=True
        )
        groups = row["prompts"]
        assert row["difference"] / row["statistic"] == pytest.approx(
            bare.bse[0] * np.sqrt(groups / (groups - 1)), abs=1e-9
        )


def step_down(p):
    """Holm by hand: the k-th least of m is multiplied by m - k, and none may be below one before it."""
    corrected, worst = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        worst = max(worst, min(1.0, (len(p) - rank) * p[place]))
        corrected[place] = worst
    return corrected


def test_p_values_are_corrected_within_their_group_as_holm_did():
    outcome, _ = drawn(400, 5, seed=2)
    table = comparisons(panel_of(outcome, aspect=["x"] * 150 + ["y"] * 250))
    for group in ("overall", "x", "y"):
        part = table.filter(group=group)
        assert part.height == 10
        assert part["p_holm"].to_list() == pytest.approx(step_down(part["p"].to_list()), abs=1e-12)
        assert part["p_holm"].to_list() == pytest.approx(multipletests(part["p"].to_numpy(), method="holm")[1].tolist())
        assert (part["p_holm"] >= part["p"]).all()
    assert (table["p_holm"] > table["p"]).any()


def test_models_that_never_differ_cannot_be_told_apart():
    outcome, cluster = drawn(90, 2, seed=3, clusters=40)
    row = rows(comparisons(panel_of(outcome[:, [0, 0, 1]], cluster)))["a", "b"]
    assert (row["difference"], row["p"], row["p_holm"], row["statistic"]) == (0, 1, 1, None)


def test_what_cannot_be_tested_is_missing_and_not_counted_among_the_tests():
    better, worse = [WIN] * 12, [LOSS] * 12
    mixed = [WIN, LOSS, WIN] * 4
    row = rows(comparisons(panel_of(np.column_stack([better, worse, mixed]))))
    untested = row["a", "b"]  # the same difference in each pair: nothing says how it varies
    assert untested["difference"] == 1
    assert all(untested[name] is None for name in ("low", "high", "statistic", "p", "p_holm"))
    tested = [row["a", "c"], row["b", "c"]]
    assert [one["p_holm"] for one in tested] == pytest.approx(step_down([one["p"] for one in tested]))


def test_one_prompt_is_not_a_sample():
    outcome = np.column_stack([[WIN, WIN, LOSS, WIN], [LOSS, WIN, LOSS, LOSS]])
    row = rows(comparisons(panel_of(outcome, [0, 0, 0, 0])))["a", "b"]
    assert (row["n"], row["prompts"], row["difference"]) == (4, 1, 0.5)
    assert all(row[name] is None for name in ("low", "high", "statistic", "p", "p_holm"))


def test_a_model_alone_is_compared_with_none():
    table = comparisons(panel_of([[WIN], [LOSS]]))
    assert table.height == 0
    assert table.schema["p"] == pl.Float64


def test_the_order_of_pairs_does_not_matter():
    outcome, cluster = drawn(120, 3, seed=4, clusters=50)
    shuffled = np.random.default_rng(5).permutation(120)
    assert comparisons(panel_of(outcome[shuffled], cluster[shuffled])).equals(comparisons(panel_of(outcome, cluster)))


def sample(models=5):
    """Models from poor to good on 240 pairs of two criteria, about two a prompt."""
    outcome, cluster = drawn(240, models, seed=7, clusters=120)
    criteria = np.array(["functional_correctness", "security_hardness"])
    return panel_of(outcome, cluster, criteria[np.random.default_rng(8).integers(0, 2, 240)])


def credit(data, model):
    return CREDIT[data.outcome[:, model]]


def test_places_are_those_of_the_accuracies_and_as_sure_as_the_draws():
    data = sample()
    resampler = Resampler(data, seed=1, resamples=500)
    table = ranks(data, resampler)
    assert table["group"].unique(maintain_order=True).to_list() == [
        "overall", "functional_correctness", "security_hardness",
    ]  # fmt: skip
    for group in table["group"].unique():
        part = table.filter(group=group)
        chosen = np.arange(240) if group == "overall" else np.flatnonzero(data.labels["aspect"] == group)
        accuracy = [credit(data, model)[chosen].mean() for model in range(5)]
        assert part["accuracy"].to_list() == pytest.approx(accuracy)
        places = [1 + sum(b > a for b in accuracy) + sum(b == a for b in accuracy) / 2 - 0.5 for a in accuracy]
        assert part["rank"].to_list() == places
        assert ((part["low"] >= 1) & (part["low"] <= part["rank"])).all()
        assert ((part["rank"] <= part["high"]) & (part["high"] <= 5)).all()
    draws = [[1 + sum(b > a for b in draw) for a in draw] for draw in resampler.half_credit("aspect", "overall")]
    ends = np.quantile(draws, [0.025, 0.975], axis=0)
    overall = table.filter(group="overall")
    assert overall["low"].to_list() == pytest.approx(ends[0].tolist(), abs=0.5)  # draws that tie share their places
    assert overall["high"].to_list() == pytest.approx(ends[1].tolist(), abs=0.5)


def test_models_that_decide_alike_share_a_place_in_every_draw():
    outcome, _ = drawn(240, 2, seed=6)
    data = panel_of(outcome[:, [0, 0, 1]])
    table = ranks(data, Resampler(data, seed=0, resamples=200)).filter(group="overall")
    assert table["rank"].to_list() == [2.5, 2.5, 1]
    assert table["low"].to_list() == [2.5, 2.5, 1]


def test_agreement_is_that_of_the_pairs_both_have_scored():
    data = sample()
    table = agreement(data)
    assert table.select("first", "second").rows() == list(itertools.combinations(data.models, 2))
    for row in table.iter_rows(named=True):
        one, other = (data.outcome[:, data.models.index(row[name])] for name in ("first", "second"))
        both = (one != OUTCOMES.index("missing")) & (other != OUTCOMES.index("missing"))
        assert row["n"] == both.sum() < 240
        assert row["agree"] == pytest.approx((one[both] == other[both]).mean())
        assert row["kappa"] == pytest.approx(cohen_kappa_score(one[both], other[both]), abs=1e-12)


def test_models_that_always_decide_the_same_have_no_kappa():
    data = panel_of([[WIN, WIN, MISSING]] * 3)
    same, *apart = agreement(data).to_dicts()
    assert (same["agree"], same["kappa"]) == (1, None)
    assert [(row["n"], row["agree"], row["kappa"]) for row in apart] == [(0, None, None)] * 2


def test_criteria_correlate_as_spearman_says():
    data = sample(8)
    resampler = Resampler(data, seed=0, resamples=300)
    (row,) = criteria_correlation(data, resampler).to_dicts()
    groups = [row["first"], row["second"]]
    assert groups == ["functional_correctness", "security_hardness"]
    inside = [data.labels["aspect"] == group for group in groups]
    accuracy = [[credit(data, model)[own].mean() for model in range(8)] for own in inside]
    assert row["rho"] == pytest.approx(stats.spearmanr(*accuracy).statistic)
    draws = zip(*(resampler.half_credit("aspect", group) for group in groups), strict=True)
    found = [stats.spearmanr(*draw).statistic for draw in draws]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=1e-6)
    few = sample(3)
    (untold,) = criteria_correlation(few, Resampler(few, seed=0, resamples=100)).to_dicts()
    assert (untold["models"], untold["rho"], untold["low"], untold["high"]) == (3, None, None, None)
