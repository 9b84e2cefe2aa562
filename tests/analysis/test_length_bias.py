"""Accuracy where the chosen response is the longer, and where it is not, is what an independent count gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.analysis.panels import credit, drawn, panel_of
from themis.analysis.length_bias import length_bias
from themis.records.measures import MEASURE_SCHEMAS


def texts(data, longer, seed=0):
    """A benchmark's texts in which the chosen response is longer, as long, or shorter by `longer` [P] characters."""
    pairs = {"id": data.ids, "chosen": ["é" * (20 + more) for more in longer], "rejected": ["x" * 20] * len(longer)}
    return pl.DataFrame(pairs).sample(fraction=1, shuffle=True, seed=seed)


def test_a_scorer_that_counts_characters_gets_half_where_length_is_level():
    longer = np.repeat([5, 2, 0, -3], [50, 20, 10, 20])
    data = panel_of(np.column_stack([20 + longer, np.ones(100)]), np.column_stack([np.full(100, 20), np.zeros(100)]))
    table = length_bias(data, texts(data, longer), resamples=200)
    counter, right = table.filter(group="overall").to_dicts()
    assert (counter["longer"], counter["equal"], counter["shorter"]) == (70, 10, 20)
    assert (counter["accuracy_longer"], counter["accuracy_shorter"], counter["controlled"]) == (1, 0, 0.5)
    assert (counter["bias"], counter["correlation"]) == (1, pytest.approx(1))
    assert (right["controlled"], right["bias"], right["correlation"]) == (1, 0, None)


def test_controlled_accuracy_is_the_mean_of_both_sides():
    data, longer = drawn(), np.random.default_rng(3).integers(-4, 9, 240)
    table = length_bias(data, texts(data, longer), resamples=400)
    margin = data.chosen - data.rejected
    for row in table.iter_rows(named=True):
        place = data.models.index(row["model"])
        inside = np.ones(240, bool) if row["group"] == "overall" else data.labels["aspect"] == row["group"]
        more, less = (credit(data, place)[inside & side].mean() for side in (longer > 0, longer < 0))
        assert (row["accuracy_longer"], row["accuracy_shorter"]) == pytest.approx((more, less))
        assert row["controlled"] == pytest.approx((more + less) / 2)
        assert row["bias"] == pytest.approx(more - less)
        assert row["low"] < row["controlled"] < row["high"]
        scored = inside & ~np.isnan(margin[:, place])
        assert row["correlation"] == pytest.approx(stats.spearmanr(margin[scored, place], longer[scored]).statistic)


def test_without_texts_nothing_is_said_of_length():
    table = length_bias(drawn(), None)
    assert table.is_empty()
    assert table.columns == MEASURE_SCHEMAS["length_bias"].names
    data = drawn()
    level = length_bias(data, texts(data, np.ones(240, dtype=int)), resamples=100).row(0, named=True)
    assert (level["shorter"], level["accuracy_shorter"], level["controlled"], level["bias"]) == (0, None, None, None)
