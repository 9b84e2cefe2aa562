"""Measures are what an independent count gives; all are written, the same whatever the order of rows or threads."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from threadpoolctl import threadpool_info, threadpool_limits

from themis import records
from themis.analysis.cells import cells
from themis.analysis.inputs import read_scores
from themis.analysis.intervals import effective_size, wilson
from themis.analysis.length_bias import length_bias
from themis.analysis.measure import load, measure
from themis.analysis.panel import OUTCOMES, Panel, panel
from themis.analysis.prompts import shared_prompts
from themis.analysis.resolution import resolution
from themis.records.measures import MEASURE_SCHEMAS, MEASURES
from themis.vocabulary import ABSENT, CODE_CRITERIA, LANGUAGES

CREDIT = {"win": 1.0, "tie": 0.5, "loss": 0.0, "missing": 0.0}


def panel_of(chosen, rejected, cluster=None, **labels):
    """A panel of scores [P, M]; a pair without both scores is missing."""
    chosen, rejected = np.array(chosen, dtype=float), np.array(rejected, dtype=float)
    known = ~(np.isnan(chosen) | np.isnan(rejected))
    kinds = [known & (chosen > rejected), known & (chosen == rejected), known & (chosen < rejected)]
    pairs, models = chosen.shape
    return Panel(
        models=tuple(f"m{place}" for place in range(models)),
        ids=tuple(f"{place:05d}" for place in range(pairs)),
        cluster=np.arange(pairs) if cluster is None else cluster,
        outcome=np.select(kinds, [0, 1, 2], 3).astype(np.int8),
        absent=np.zeros(chosen.shape, dtype=bool),
        chosen=chosen,
        rejected=rejected,
        labels={"aspect": np.array(["a"] * pairs), "language": np.array(["Go"] * pairs), **labels},
    )


def drawn(pairs=240, models=5, seed=0, missing=0.05):
    """Coarse scores of models from poor to good, with ties and gaps, in two criteria and three languages, two a prompt."""
    source = np.random.default_rng(seed)
    chosen = np.round(source.normal(np.linspace(0.1, 1.5, models), 1, (pairs, models)), 1)
    rejected = np.round(source.normal(0, 1, (pairs, models)), 1)
    for side in (chosen, rejected):
        side[source.random(side.shape) < missing] = np.nan
    aspect = np.array(["functional_correctness", "security_hardness"])[source.integers(0, 2, pairs)]
    language = np.array(["C", "Go", "Python"])[source.integers(0, 3, pairs)]
    return panel_of(chosen, rejected, np.arange(pairs) // 2, aspect=aspect, language=language)


def credit(data, model):
    return np.array([CREDIT[OUTCOMES[code]] for code in data.outcome[:, model]])


# Resolution


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


# Length


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


# Cells


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


# Prompts


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


# All of them


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Scores of six models on 1,200 pairs, and the benchmark they come from, three pairs a prompt here and there."""
    folder = tmp_path_factory.mktemp("study")
    source = np.random.default_rng(11)
    n, languages = 1_200, list(LANGUAGES)
    pairs = pl.DataFrame(
        {
            "id": [f"p{place:05d}" for place in source.permutation(n)],
            "prompt": [f"task {place // 3 if place < 300 else place}" for place in range(n)],
            "chosen": ["x" * length for length in source.integers(1, 60, n)],
            "rejected": ["x" * length for length in source.integers(1, 50, n)],
            "aspect": [CODE_CRITERIA[place % 5].value for place in range(n)],
            "language": [languages[place % 7] for place in range(n)],
            "subset": [("COMMITS_A", "COMMITS_B", "RUNS")[place % 3] for place in range(n)],
        }
    )
    records.write(pairs.to_arrow(), folder / "benchmark.parquet", "benchmark")
    tables = []
    for place, skill in enumerate(np.linspace(0.1, 1.2, 6)):
        chosen, rejected = np.round(source.normal(skill, 1, n), 2), np.round(source.normal(0, 1, n), 2)
        missing = source.random(n) < 0.02
        outcome = np.where(chosen > rejected, "win", np.where(chosen == rejected, "tie", "loss"))
        scores = {"chosen_score": chosen, "rejected_score": rejected, "outcome": np.where(missing, "missing", outcome)}
        reason = np.where(missing, ABSENT if place else "too long", None)
        table = pairs.select("id", "aspect", "language", "subset").with_columns(
            pl.lit(f"model-{place}").alias("model"), pl.lit("b").alias("benchmark"), pl.lit("none").alias("prompt_mode"),
            pl.lit(False).alias("truncated"),
            pl.Series("missing_reason", reason.tolist(), pl.String), **{k: pl.Series(v) for k, v in scores.items()},
        )  # fmt: skip
        gone = pl.col("outcome") == "missing"
        columns = [pl.when(~gone).then(pl.col(name)).alias(name) for name in ("chosen_score", "rejected_score")]
        tables.append(table.with_columns(columns))
    records.write(pl.concat(tables).to_arrow(), folder / "crb.parquet", "scores")
    return folder


def measured(study, out, crb="crb.parquet", seed=0):
    benchmark = study / "benchmark.parquet"
    return measure(study / crb, out, benchmark=benchmark, trained_subsets=["COMMITS_?"], seed=seed, resamples=300)


def test_every_measure_is_written_with_its_schema(study, tmp_path):
    found = measured(study, tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(MEASURES) == sorted(found)
    for name in MEASURES:
        table = records.read(tmp_path / f"{name}.parquet", name)
        assert table.schema.equals(MEASURE_SCHEMAS[name])
        assert table.num_rows == found[name].height > 0
        assert pl.from_arrow(table).equals(found[name].select(MEASURE_SCHEMAS[name].names))
        assert records.metadata(tmp_path / f"{name}.parquet")["seed"] == "0"
    accuracy = found["accuracy"]
    assert accuracy["by"].unique(maintain_order=True).to_list() == ["aspect", "language", "subset", "family"]
    family = accuracy.filter(by="family", model="model-0").select("group", "n").rows()
    assert family == [("overall", 1200), ("macro", 1200), ("in_family", 800), ("out_of_family", 400)]
    absent = accuracy.filter(by="aspect", group="overall").select("missing", "absent").rows()
    assert absent[0][0] > 0 == absent[0][1]
    assert all(missing == lacking > 0 for missing, lacking in absent[1:])
    assert (found["comparisons"].filter(group="overall")["prompts"] == 1_000).all()  # 300 pairs in a hundred prompts


def test_neither_the_order_of_rows_nor_the_number_of_threads_matters(study, tmp_path):
    """Models stay in the order in which the table first names them, which is the study's."""
    rows = pl.read_parquet(study / "crb.parquet")
    first = rows.with_row_index().group_by("model", maintain_order=True).agg(pl.col("index").first())["index"]
    rest = (
        rows.with_row_index().filter(~pl.col("index").is_in(first.implode())).sample(fraction=1, shuffle=True, seed=1)
    )
    shuffled = pl.concat([rows[first.to_list()], rest.drop("index")])
    records.write(shuffled.to_arrow(), tmp_path / "shuffled.parquet", "scores")
    assert any(library["user_api"] == "blas" for library in threadpool_info())
    with threadpool_limits(1):
        one = measured(study, tmp_path / "one")
    with threadpool_limits(2):
        two = measured(study, tmp_path / "two")
        other = measured(study, tmp_path / "other", crb=tmp_path / "shuffled.parquet")
    for name in MEASURES:
        assert (tmp_path / f"one/{name}.parquet").read_bytes() == (tmp_path / f"two/{name}.parquet").read_bytes(), name
        assert one[name].equals(two[name]), name
        assert one[name].equals(other[name]), name


def test_the_seed_matters_to_what_is_drawn_and_to_nothing_else(study, tmp_path):
    first, second = (measured(study, tmp_path / str(seed), seed=seed) for seed in (0, 1))
    differ = {name for name in MEASURES if not first[name].equals(second[name])}
    assert differ == set(MEASURES) - {"comparisons", "resolution", "agreement", "cells"}
    assert first["accuracy"]["half_credit"].equals(second["accuracy"]["half_credit"])


def test_prompts_come_from_the_texts_or_else_from_the_scores(study):
    prompts = pl.read_parquet(study / "benchmark.parquet").sort("id")["prompt"].to_list()
    data = load(study / "crb.parquet", study / "benchmark.parquet", ["RUN*"])
    groups = {}
    for prompt, number in zip(prompts, data.cluster.tolist(), strict=True):
        groups.setdefault(prompt, set()).add(number)
    assert all(len(numbers) == 1 for numbers in groups.values())
    assert len(set.union(*groups.values())) == len(groups) == 1_000
    assert (data.labels["family"] == np.where(data.labels["subset"] == "RUNS", "in_family", "out_of_family")).all()
    alone = load(study / "crb.parquet")  # scores to two decimals: no model tells responses apart
    assert len(np.unique(alone.cluster)) == 1_200
    assert "family" not in alone.labels


def test_a_panel_holds_the_scores_of_its_table(study):
    rows = pl.read_parquet(study / "crb.parquet").with_columns(cluster=pl.col("id").rank("dense"))
    data = panel(rows)
    assert list(data.ids) == sorted(set(rows["id"]))
    for row in rows.sample(60, seed=2).iter_rows(named=True):
        at = data.ids.index(row["id"]), data.models.index(row["model"])
        assert OUTCOMES[data.outcome[at]] == row["outcome"]
        assert data.chosen[at] == row["chosen_score"] or (np.isnan(data.chosen[at]) and row["outcome"] == "missing")
        assert data.absent[at] == (row["missing_reason"] == ABSENT)
        assert data.half_credit[at] == CREDIT[row["outcome"]]
        assert data.labels["aspect"][at[0]] == row["aspect"]
