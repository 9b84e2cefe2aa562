"""Scores are counted, and pairs of a criterion in a language, as an independent count has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.panels import credit, drawn, panel_of
from themis.analysis.cells import cells
from themis.analysis.intervals import effective_size, wilson
from themis.analysis.resolution import resolution


def test_scores_are_counted():
    chosen = [[1.0, 5.0], [1.0, 7.0], [2.0, 3.0], [np.nan, 3.0]]
    rejected = [[1.0, 2.0], [0.5, 2.0], [3.0, 3.0], [9.0, 0.0]]
    data = replace(panel_of(chosen, rejected), models=("unheard-of", "LMUnit-qwen2.5-72b"))
    other, known = resolution(data).to_dicts()
    assert other == {
        "model": "unheard-of", "kind": "unknown", "scores": 7, "distinct": 5, "distinct_share": 5 / 7,
        "commonest_share": 3 / 7, "tie_rate": 1 / 3, "missing_rate": 0.25, "least": 0.5, "greatest": 9.0,
        "out_of_range": None,
    }  # fmt: skip
    assert known["kind"] == "generative"
    assert (known["least"], known["greatest"], known["out_of_range"]) == (0, 7, 2)  # its rubric goes from 1 to 5
    assert (known["tie_rate"], known["missing_rate"]) == (0.25, 0)


def test_a_model_without_scores_has_no_shares():
    nothing = np.full((3, 1), np.nan)
    row = resolution(panel_of(nothing, nothing)).row(0, named=True)
    assert (row["scores"], row["distinct"], row["missing_rate"]) == (0, 0, 1)
    assert all(row[name] is None for name in ("distinct_share", "commonest_share", "tie_rate", "least", "greatest"))


def test_cells_are_the_pairs_of_a_criterion_in_a_language():
    data = drawn()
    table = cells(data)
    assert table["n"].sum() == 240 * 5
    assert table.height == 2 * 3 * 5
    for row in table.iter_rows(named=True):
        inside = (data.labels["aspect"] == row["aspect"]) & (data.labels["language"] == row["language"])
        values = credit(data, data.models.index(row["model"]))[inside]
        size = effective_size(values, data.cluster[inside])
        assert row["n"] == inside.sum()
        assert row["half_credit"] == pytest.approx(values.mean())
        assert (row["low"], row["high"]) == pytest.approx(wilson(values.mean() * size, size))
