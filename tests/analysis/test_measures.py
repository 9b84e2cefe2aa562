"""All measures are written, the same whatever the order of rows or threads."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.analysis.panels import CREDIT
from themis import records
from themis.analysis.measure import load, measure
from themis.analysis.panel import OUTCOMES, panel
from themis.records.measures import MEASURE_SCHEMAS, MEASURES
from themis.vocabulary import ABSENT, CODE_CRITERIA, LANGUAGES


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
