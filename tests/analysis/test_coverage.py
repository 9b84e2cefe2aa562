"""95% intervals cover the truth in 95 of 100 data sets, and tests of no difference reject 5 of 100."""

from __future__ import annotations

import gc

import numpy as np
import polars as pl
import pytest

from themis.analysis.accuracy import MACRO, accuracy_table
from themis.analysis.comparisons import comparisons
from themis.analysis.length_bias import length_bias
from themis.analysis.panel import Panel
from themis.analysis.resampling import OVERALL, Resampler

DATA_SETS, SIZES = 2_000, (30, 100, 300, 2_000)
ALONE, SHARED = "a prompt per pair", "a fifth of the pairs share prompts"
TIES, ALIKE = 0.2, 0.7  # share of the pairs not won that are tied; of the pairs of a prompt that fare as one
WIN, TIE, LOSS = 0, 1, 2


def clustered(n: int, structure: str, source: np.random.Generator) -> np.ndarray:
    """[n] numbers of prompts: a prompt per pair, or a fifth of the pairs in groups of two to five."""
    if structure == ALONE:
        return np.arange(n)
    prompts = []
    while len(prompts) < n // 5:
        prompts += [len(prompts)] * int(source.integers(2, 6))
    together = np.unique(prompts, return_inverse=True)[1]
    return np.concatenate([together, together.max() + 1 + np.arange(n - len(together))])


def uniforms(cluster: np.ndarray, columns: int, source: np.random.Generator) -> np.ndarray:
    """[n, columns] uniform numbers; pairs of one prompt have the prompt's own with probability ALIKE each."""
    prompts = source.random((cluster.max() + 1, columns), dtype=np.float32)
    alone = source.random((len(cluster), columns), dtype=np.float32)
    return np.where(source.random(alone.shape, dtype=np.float32) < ALIKE, prompts[cluster], alone)


def made(outcome: np.ndarray, cluster: np.ndarray, group: np.ndarray) -> Panel:
    nothing = np.zeros(outcome.shape, dtype=np.float32)
    return Panel(
        models=tuple(f"{place:04d}" for place in range(outcome.shape[1])),
        ids=tuple(f"{place:05d}" for place in range(len(cluster))),
        cluster=cluster,
        outcome=outcome.astype(np.int8),
        absent=np.zeros(outcome.shape, dtype=bool),
        chosen=nothing,
        rejected=nothing,
        labels={"aspect": group},
    )


def covered(table: pl.DataFrame, truth: float, low: str, high: str) -> float:
    return ((table[low] <= truth + 1e-9) & (table[high] >= truth - 1e-9)).mean()


@pytest.mark.parametrize("structure", [ALONE, SHARED])
@pytest.mark.parametrize("p", [0.55, 0.8, 0.95])
def test_the_interval_of_an_accuracy_covers_it(p, structure):
    """Every model is one data set of all sizes: each wins a pair with probability p and ties a fifth of the others.

    Outcomes are discrete, so no interval covers exactly 95% of the time at every p and n: the share that Wilson's covers
    moves in steps of the binomial, the wider the fewer pairs are lost (Brown, Cai and DasGupta 2001), so that 30 pairs
    are only held to 92-99%; the macro average, of which they are a quarter, to 92-97%. Half credits vary less than the
    binomial, so Wilson's interval at them may cover too often.
    """
    source = np.random.default_rng(int(1000 * p) + len(structure))
    clusters, groups = [], []
    for n in SIZES:
        own = clustered(n, structure, source)
        clusters.append(own + sum(part.max() + 1 for part in clusters))
        groups += [str(n)] * n
    cluster = np.concatenate(clusters)
    drawn = uniforms(cluster, DATA_SETS, source)
    outcome = np.where(drawn < p, WIN, np.where(drawn < p + TIES * (1 - p), TIE, LOSS))
    data = made(outcome, cluster, np.array(groups))
    table = accuracy_table(data, "aspect", Resampler(data, seed=3, resamples=1_000))
    half = p + TIES * (1 - p) / 2
    for (group,), part in table.group_by("group"):
        least, most = {"30": (0.92, 0.99), MACRO: (0.92, 0.97)}.get(group, (0.93, 0.97))
        assert least <= covered(part, p, "strict_low", "strict_high") <= most, f"strict, {group}"
        wilson = (part["method"] == "wilson").any()
        assert least <= covered(part, half, "low", "high") <= (0.99 if wilson else most), f"half credit, {group}"
    used = dict(table.group_by("group").agg(pl.col("method").unique()).iter_rows())
    assert used["30"] == used["100"] == ["wilson"]
    assert used["2000"] == used[OVERALL] == ["bootstrap"]


@pytest.mark.parametrize("p", [0.8, 0.95])
def test_the_interval_of_a_macro_average_covers_it_however_small_the_groups(p):
    """As in a table by subset: two groups of a few pairs weigh as much as two large ones."""
    source = np.random.default_rng(8)
    sizes = (8, 20, 300, 1_000)
    cluster = clustered(sum(sizes), ALONE, source)
    outcome = np.where(uniforms(cluster, DATA_SETS, source) < p, WIN, LOSS)
    data = made(outcome, cluster, np.repeat([str(n) for n in sizes], sizes))
    table = accuracy_table(data, "aspect", Resampler(data, seed=3, resamples=300)).filter(group=MACRO)
    assert 0.91 <= covered(table, p, "low", "high") <= 0.97
    assert table["low"].min() >= 0
    assert table["high"].max() <= 1


@pytest.fixture
def quick_collection():
    """The correction of statsmodels collects garbage at each call, so what other tests have left is set aside."""
    gc.freeze()
    yield
    gc.unfreeze()


def compared(better: float, structure: str) -> pl.DataFrame:
    """2,000 comparisons of two models on data sets of 150 pairs; the first wins `better` more of them than the second.

    A panel holds 20 data sets (its groups) for each of 25 pairs of models, of which only the two of one pair decide alike.
    """
    source = np.random.default_rng(int(100 * better) + len(structure))
    found = []
    for _ in range(4):
        own = [clustered(150, structure, source) for _ in range(20)]
        cluster = np.concatenate([place * 150 + part for place, part in enumerate(own)])
        hard = uniforms(cluster, 25, source)  # how hard a pair is for both models
        outcome = np.empty((len(cluster), 50), dtype=np.int8)
        for side, p in ((0, 0.7 + better), (1, 0.7)):
            level = np.where(source.random(hard.shape) < 0.5, hard, uniforms(cluster, 25, source))
            outcome[:, side::2] = np.where(level < p, WIN, LOSS)
        table = comparisons(made(outcome, cluster, np.repeat([f"{place:02d}" for place in range(20)], 150)))
        first, second = (pl.col(name).cast(pl.Int64) for name in ("first", "second"))
        found.append(table.filter(first % 2 == 0, second == first + 1, pl.col("group") != OVERALL))
    return pl.concat(found)


@pytest.mark.usefixtures("quick_collection")
@pytest.mark.parametrize("structure", [ALONE, SHARED])
def test_the_interval_of_a_difference_covers_it_and_its_test_keeps_its_level(structure):
    table = compared(0.1, structure)
    assert table.height == DATA_SETS
    assert 0.93 <= covered(table, 0.1, "low", "high") <= 0.97
    assert (table["p"] < 0.05).mean() > 0.5  # and sees a difference of ten points
    same = compared(0.0, structure)
    assert 0.035 <= (same["p"] < 0.05).mean() <= 0.065


def test_the_interval_of_an_accuracy_at_level_length_covers_it_where_prompts_have_pairs_of_either_side():
    source = np.random.default_rng(9)
    cluster = np.arange(600) // 2
    outcome = np.where(uniforms(cluster, 1_000, source) < 0.7, WIN, LOSS)
    data = made(outcome, cluster, np.repeat("all", 600))
    texts = pl.DataFrame({"id": data.ids, "chosen": ["xx", "x"] * 300, "rejected": ["x", "xx"] * 300})
    table = length_bias(data, texts, resamples=1_000).filter(group=OVERALL)
    assert (table["longer"] == 300).all()
    assert 0.93 <= covered(table, 0.7, "low", "high") <= 0.97
