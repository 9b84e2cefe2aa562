"""Pairs that share a response are told by their scores, and by nothing less."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from tests.analysis.panels import panel_of
from themis import records
from themis.analysis.inputs import read_scores
from themis.analysis.measure import load
from themis.analysis.prompts import shared_prompts


def scored_responses(texts, models, seed=0):
    """Scores [P, M] of both sides of pairs of `texts` (chosen, rejected): a model gives one text one score."""
    known = {text: row for row, text in enumerate(dict.fromkeys(itertools.chain(*texts)))}
    scores = np.random.default_rng(seed).normal(size=(len(known), models))
    return (scores[[known[pair[side]] for pair in texts]] for side in (0, 1))


@pytest.fixture
def planted():
    """200 pairs; 3-7-11 are a chain of shared responses, 20 and 21 share their rejected, all others stand alone."""
    texts = [[f"c{place}", f"r{place}"] for place in range(200)]
    texts[7][0], texts[11][1], texts[21][1] = texts[3][1], texts[7][1], texts[20][1]
    return texts


def same(cluster):
    """The sets of two or more pairs in one cluster."""
    groups = (np.flatnonzero(cluster == number).tolist() for number in np.unique(cluster))
    return [group for group in groups if len(group) > 1]


def test_pairs_that_share_a_response_are_found(planted):
    chosen, rejected = scored_responses(planted, 8)
    source = np.random.default_rng(1)
    for side in (chosen, rejected):
        side[:, 5] = np.round(side[:, 5])  # too coarse to tell responses apart
        side[:, 6] += source.normal(0, 1e-6, 200)  # batches add noise: it does not know a copy
    chosen[150, 0] = chosen[160, 0]  # one model's whim is no shared response
    data = panel_of(chosen, rejected)
    assert same(shared_prompts(data)) == [[3, 7, 11], [20, 21]]
    assert len(np.unique(shared_prompts(data))) == 200 - 3


def test_scores_without_texts_are_read_with_the_prompts_they_betray(planted, tmp_path):
    chosen, rejected = scored_responses(planted, 6)
    ids = [f"{i:03d}" for i in range(200)]
    parts = [
        pl.DataFrame(
            {"model": f"m{place}", "benchmark": "b", "id": ids, "chosen_score": chosen[:, place],
             "rejected_score": rejected[:, place], "outcome": np.where(chosen > rejected, "win", "loss")[:, place],
             "missing_reason": pl.Series([None] * 200, dtype=pl.String), "truncated": None, "prompt_mode": "imported",
             "aspect": "functional_correctness", "language": "C", "subset": "S"}
        ).sample(fraction=1, shuffle=True, seed=place)
        for place in range(6)
    ]  # fmt: skip
    records.write(pl.concat(parts).to_arrow(), tmp_path / "crb.parquet", "scores")
    scores = read_scores(tmp_path / "crb.parquet")
    for _, own in scores.group_by("model"):
        assert same(own.sort("id")["cluster"].to_numpy()) == [[3, 7, 11], [20, 21]]


def test_too_few_witnesses_leave_every_pair_alone(planted):
    chosen, rejected = scored_responses(planted, 6)
    for side in (chosen, rejected):
        side[:, :2] = np.round(side[:, :2])
    assert shared_prompts(panel_of(chosen, rejected)).tolist() == list(range(200))


def test_a_response_without_a_score_is_joined_to_none(planted):
    chosen, rejected = scored_responses(planted, 5)
    chosen[7, 2] = rejected[20, 4] = rejected[21, 4] = chosen[50, 0] = chosen[51, 0] = np.nan
    assert same(shared_prompts(panel_of(chosen, rejected))) == [[7, 11]]


def test_without_texts_a_table_of_scores_is_loaded_with_the_prompts_they_share(planted, tmp_path):
    chosen, rejected = scored_responses(planted, 5)
    place, model = (part.ravel() for part in np.indices(chosen.shape))
    table = pl.DataFrame(
        {
            "model": [f"m{number}" for number in model], "id": [f"{number:03d}" for number in place],
            "chosen_score": chosen.ravel(), "rejected_score": rejected.ravel(),
            "outcome": np.where(chosen > rejected, "win", "loss").ravel(),
            "missing_reason": pl.Series([None] * 1000, dtype=pl.String),
        }
    )  # fmt: skip
    labels = {
        "benchmark": "b",
        "prompt_mode": "none",
        "aspect": "a",
        "language": "Go",
        "subset": "S",
        "truncated": False,
    }
    records.write(table.with_columns(**{k: pl.lit(v) for k, v in labels.items()}).to_arrow(), tmp_path / "s", "scores")
    assert same(load(tmp_path / "s").cluster) == [[3, 7, 11], [20, 21]]
