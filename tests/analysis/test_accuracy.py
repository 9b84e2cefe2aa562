"""Accuracies are what counting by hand gives; ties and missing rows stay apart; the published figures come out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.analysis import inputs
from themis.analysis.accuracy import accuracy, accuracy_table, best_of_families, points, ranking
from themis.analysis.comparisons import comparisons
from themis.analysis.headline import headline
from themis.analysis.intervals import paired_difference, wilson
from themis.analysis.panel import Panel, panel
from themis.analysis.prompts import shared_prompts
from themis.analysis.resampling import Resampler
from themis.errors import Problem
from themis.vocabulary import ABSENT, PUBLISHED_ASPECTS

PUBLISHED = Path(__file__).parents[3] / "shared/reference/published_runs"


def write_scores(path, outcomes):
    """outcomes: model -> [(outcome, aspect, language)]; the pair's id is its place."""
    scores = {"win": (2.0, 1.0), "tie": (1.0, 1.0), "loss": (1.0, 2.0), "missing": (None, None)}
    rows = [
        {
            "model": model,
            "benchmark": "b",
            "id": f"{place:04d}",
            "chosen_score": scores[outcome][0],
            "rejected_score": scores[outcome][1],
            "outcome": outcome,
            "missing_reason": "too long" if outcome == "missing" else None,
            "truncated": False,
            "prompt_mode": "criterion",
            "aspect": aspect,
            "language": language,
            "subset": "S",
        }
        for model, pairs in outcomes.items()
        for place, (outcome, aspect, language) in enumerate(pairs)
    ]
    records.write(pl.DataFrame(rows, infer_schema_length=None).to_arrow(), path, "scores")
    return path


def write_benchmark(path, prompts):
    columns = ("chosen", "rejected", "aspect", "language", "subset")
    table = pl.DataFrame({"id": [f"{place:04d}" for place in range(len(prompts))], "prompt": prompts})
    records.write(table.with_columns(pl.lit("x").alias(name) for name in columns).to_arrow(), path, "benchmark")
    return path


F, S = "functional_correctness", "security_hardness"


@pytest.fixture
def crb(tmp_path):
    b = [(o, F, "Go") for o in ("win", "win", "tie", "missing")] + [(o, S, "C") for o in ("loss", "win")]
    a = [(o, aspect, language) for o, (_, aspect, language) in zip(["win"] * 5 + ["tie"], b, strict=True)]
    return write_scores(tmp_path / "crb.parquet", {"b-model": b, "a-model": a})


def row(table, model, group):
    (found,) = table.filter((pl.col("model") == model) & (pl.col("group") == group)).to_dicts()
    return found


def test_counted_by_hand(crb):
    table = accuracy(inputs.read_scores(crb), "aspect")
    overall = row(table, "b-model", "overall")
    assert [overall[name] for name in ("n", "wins", "ties", "losses", "missing")] == [6, 3, 1, 1, 1]
    assert overall["strict"] == 3 / 6
    assert overall["half_credit"] == 3.5 / 6
    assert (overall["strict_low"], overall["strict_high"]) == pytest.approx(wilson(3, 6))
    assert (overall["low"], overall["high"]) == pytest.approx(wilson(3.5, 6))
    assert row(table, "b-model", F)["half_credit"] == 2.5 / 4
    assert row(table, "b-model", S)["half_credit"] == 1 / 2
    macro = row(table, "b-model", "macro")
    assert macro["half_credit"] == pytest.approx((2.5 / 4 + 1 / 2) / 2)
    assert macro["low"] < macro["half_credit"] < macro["high"]
    assert table["group"].to_list()[:4] == ["overall", "macro", F, S]
    assert ranking(table) == ["a-model", "b-model"]


def test_the_order_of_rows_does_not_matter(tmp_path, crb):
    shuffled = tmp_path / "shuffled.parquet"
    rows = inputs.read_table(crb, "scores")
    parts = [
        rows.filter(pl.col("model") == model).sample(fraction=1, shuffle=True, seed=1)
        for model in ("b-model", "a-model")
    ]
    records.write(pl.concat(parts).to_arrow(), shuffled, "scores")
    for by in ("aspect", "language"):
        assert accuracy(inputs.read_scores(shuffled), by).equals(accuracy(inputs.read_scores(crb), by))


def test_pairs_that_share_a_prompt_widen_the_interval(tmp_path, crb):
    apart = write_benchmark(tmp_path / "apart.parquet", [f"p{i}" for i in range(6)])
    shared = write_benchmark(tmp_path / "shared.parquet", ["p", "p", "q", "q", "r", "r"])
    alone, wide = (row(accuracy(inputs.read_scores(crb, path), "aspect"), "a-model", F) for path in (apart, shared))
    assert wide["half_credit"] == alone["half_credit"] == 1
    assert (alone["low"], wide["low"]) == (pytest.approx(wilson(4, 4)[0]), pytest.approx(wilson(2, 2)[0]))


def test_models_must_cover_the_same_pairs(tmp_path, crb):
    rows = inputs.read_table(crb, "scores")
    records.write(rows[:-1].to_arrow(), tmp_path / "short.parquet", "scores")
    with pytest.raises(Problem, match="a-model covers 5 of 6 pairs"):
        inputs.read_scores(tmp_path / "short.parquet")
    records.write(pl.concat([rows, rows[:1]]).to_arrow(), tmp_path / "twice.parquet", "scores")
    with pytest.raises(Problem, match="b-model has 7 rows for 6 pairs"):
        inputs.read_scores(tmp_path / "twice.parquet")
    other = write_benchmark(tmp_path / "other.parquet", ["p"])
    with pytest.raises(Problem, match="0001 is not in"):
        inputs.read_scores(crb, other)


def test_the_sentence_says_what_the_table_says(crb):
    scores = inputs.read_scores(crb)
    said = headline(scores, accuracy(scores, "aspect")).sentence
    assert "Of 6 pairs in 2 criteria and 2 languages, a-model" in said
    assert "91.7%" in said  # 5.5 of 6
    assert "33.3 points more than b-model" in said  # (5.5 - 3.5) / 6


def test_the_method_follows_the_size_of_the_sample_and_its_rarer_outcome(tmp_path):
    """At least 200 prompts, 20 of them won and 20 lost; macro averages combine what their groups have."""
    outcomes = {
        "many": ["win"] * 150 + ["loss"] * 100,
        "rare": ["win"] * 231 + ["loss"] * 19,
        "enough": ["win"] * 230 + ["loss"] * 20,
    }
    path = write_scores(tmp_path / "crb.parquet", {m: [(o, F, "Go") for o in own] for m, own in outcomes.items()})
    table = accuracy(inputs.read_scores(path), "aspect", resamples=2_000)
    methods = {model: row(table, model, F)["method"] for model in outcomes}
    assert methods == {"many": "bootstrap", "rare": "wilson", "enough": "bootstrap"}
    assert (row(table, "rare", F)["low"], row(table, "rare", F)["high"]) == pytest.approx(wilson(231, 250))
    many = row(table, "many", F)
    draws = Resampler(panel(inputs.read_scores(path)), seed=0, resamples=2_000).half_credit("aspect", F)[:, 0]
    assert (many["low"], many["high"]) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    reach = 1.96 * np.sqrt(0.6 * 0.4 / 250)
    assert (many["low"], many["high"]) == pytest.approx((0.6 - reach, 0.6 + reach), abs=0.1 * reach)
    assert (many["low"], many["high"]) != pytest.approx(wilson(150, 250), abs=1e-6)
    shared = write_benchmark(tmp_path / "shared.parquet", [f"p{i // 2}" for i in range(250)])
    table = accuracy(inputs.read_scores(path, shared), "aspect", resamples=100)
    assert row(table, "many", F)["method"] == "wilson"  # 125 prompts


def test_a_macro_average_of_one_group_has_that_group_s_interval_and_of_equals_a_narrower(tmp_path):
    pairs = [(outcome, aspect, "Go") for aspect in (F, S) for outcome in ["win"] * 30 + ["loss"] * 10]
    path = write_scores(tmp_path / "crb.parquet", {"m": pairs})
    scores = inputs.read_scores(path)
    one = accuracy(scores, "language")
    assert row(one, "m", "macro")["low"] == pytest.approx(row(one, "m", "Go")["low"])
    both = accuracy(scores, "aspect")
    group, macro = row(both, "m", F), row(both, "m", "macro")
    assert macro["method"] == "combined"
    for end in ("low", "high"):
        assert macro[end] - 0.75 == pytest.approx((group[end] - 0.75) / np.sqrt(2))


def test_a_model_that_is_always_right_is_not_certain_of_any_average(tmp_path):
    pairs = [("win", aspect, "Go") for aspect in (F, S) for _ in range(8)]
    table = accuracy(inputs.read_scores(write_scores(tmp_path / "crb.parquet", {"m": pairs})), "aspect")
    assert (table["high"] == 1).all()
    assert (table["low"] < 0.9).all()


def test_absent_pairs_are_counted_among_the_missing(tmp_path):
    pairs = [("win", F, "Go"), ("missing", F, "Go"), ("missing", S, "Go")]
    path = write_scores(tmp_path / "crb.parquet", {"m": pairs})
    rows = inputs.read_table(path, "scores")
    reasons = [None, ABSENT, "too long"]
    records.write(rows.with_columns(missing_reason=pl.Series(reasons)).to_arrow(), path, "scores")
    table = accuracy(inputs.read_scores(path), "aspect").select("group", "n", "missing", "absent", "strict")
    assert table.rows() == [
        ("overall", 3, 2, 1, 1 / 3),
        ("macro", 3, 2, 1, 1 / 4),
        (F, 2, 1, 1, 1 / 2),
        (S, 1, 1, 0, 0),
    ]


def test_the_best_of_each_family_is_picked():
    half = {"Themis-RM-8B": 0.9, "Themis-RM-32B": 0.95, "own-model": 0.92, "SkyworkV2-Qwen-8B": 0.8, "other": 0.1}
    table = pl.DataFrame({"model": list(half), "group": "overall", "half_credit": list(half.values())})
    assert best_of_families(table, 9) == ["Themis-RM-32B", "own-model", "SkyworkV2-Qwen-8B", "other"]
    assert best_of_families(table, 2) == ["Themis-RM-32B", "own-model"]


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"needs the published scores in {PUBLISHED}")
def test_published_scores_give_the_published_figures(tmp_path):
    parts = []
    for model in ("Themis-RM-32B", "Themis-RM-14B", "LMUnit-qwen2.5-72b"):
        scores = pl.read_parquet(PUBLISHED / model / "scores.parquet")
        chosen, rejected = scores["chosen_score"].to_numpy(), scores["rejected_score"].to_numpy()
        outcome = np.where(chosen > rejected, "win", np.where(chosen == rejected, "tie", "loss"))
        parts.append(
            scores.select(
                pl.lit(model).alias("model"), pl.lit("crb").alias("benchmark"), "id", "chosen_score", "rejected_score",
                pl.Series("outcome", outcome), pl.lit(None, pl.String).alias("missing_reason"),
                pl.lit(False).alias("truncated"), pl.lit("criterion").alias("prompt_mode"),
                "aspect", "language", "subset",
            )
        )  # fmt: skip
    records.write(pl.concat(parts).to_arrow(), tmp_path / "crb.parquet", "scores")
    scores = inputs.read_scores(tmp_path / "crb.parquet")
    table = accuracy(scores, "aspect", resamples=100)
    # Table 2 of the paper; the half-credit figure and the paired interval are reference/paper.md, sections 3 and 7.
    assert 100 * row(table, "Themis-RM-32B", "overall")["strict"] == pytest.approx(91.82, abs=0.005)
    assert 100 * row(table, "LMUnit-qwen2.5-72b", "overall")["strict"] == pytest.approx(27.89, abs=0.005)
    assert 100 * row(table, "LMUnit-qwen2.5-72b", "overall")["half_credit"] == pytest.approx(61.51, abs=0.005)
    big, small = points(scores, "Themis-RM-32B"), points(scores, "Themis-RM-14B")
    lead = paired_difference(*(t["strict"].to_numpy() for t in (big, small)), big["cluster"].to_numpy(), seed=0)
    assert [100 * value for value in lead] == pytest.approx([0.63, 0.10, 1.20], abs=0.08)


@pytest.fixture(scope="module")
def published():
    """Every run on the pairs that the first of the paper's own models scores."""
    if not PUBLISHED.is_dir():
        pytest.skip(f"needs the published scores in {PUBLISHED}")
    runs = {
        folder.name: pl.read_parquet(folder / "scores.parquet")
        for folder in sorted(PUBLISHED.iterdir())
        if folder.is_dir()
    }
    pairs = runs["Themis-RM-32B"].sort("id")
    sides = {"chosen_score": [], "rejected_score": []}
    for run in runs.values():
        joined = pairs.select("id").join(run, on="id", how="left", maintain_order="left")
        scores = np.column_stack([joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in sides])
        scores[~np.isfinite(scores).all(axis=1)] = np.nan
        for name, column in zip(sides, scores.T, strict=True):
            sides[name].append(column)
    aspect = pairs["aspect"].replace_strict(PUBLISHED_ASPECTS, default=pl.first()).to_numpy().astype(str)
    chosen, rejected = (np.column_stack(columns) for columns in sides.values())
    data = Panel(
        models=tuple(runs),
        ids=tuple(pairs["id"].to_list()),
        cluster=np.arange(pairs.height),
        outcome=np.select([chosen > rejected, chosen == rejected, chosen < rejected], [0, 1, 2], 3).astype(np.int8),
        absent=np.zeros(chosen.shape, dtype=bool),
        chosen=chosen,
        rejected=rejected,
        labels={"aspect": aspect},
    )
    return replace(data, cluster=shared_prompts(data))


def chosen_models(data, *models):
    places = [data.models.index(model) for model in models]
    columns = {name: getattr(data, name)[:, places] for name in ("outcome", "absent", "chosen", "rejected")}
    return replace(data, models=models, **columns)


def test_published_scores_share_prompts_as_their_fingerprints_do(published):
    assert (len(published.ids), len(published.models)) == (8_866, 51)
    assert len(np.unique(published.cluster)) == 8_615


def test_published_scores_tell_the_two_best_models_apart(published):
    data = chosen_models(published, "Themis-RM-32B", "Themis-RM-14B")
    row = comparisons(data).row(0, named=True)
    assert (row["group"], row["n"], row["prompts"]) == ("overall", 8_866, 8_615)
    assert 100 * row["difference"] == pytest.approx(0.63, abs=0.005)
    assert (100 * row["low"], 100 * row["high"]) == pytest.approx((0.10, 1.20), abs=0.06)


def test_published_scores_give_the_figures_of_the_protocol(published):
    data = chosen_models(published, "LMUnit-qwen2.5-72b", "Themis-RM-0.6B", "SkyworkV2-Qwen-8B")
    table = accuracy_table(data, "aspect", Resampler(data, seed=0, resamples=100))
    found = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    unit = found["LMUnit-qwen2.5-72b", "overall"]
    assert (unit["strict"], unit["half_credit"]) == pytest.approx((0.2789, 0.6151), abs=5e-5)
    small, big = (found[model, "macro"]["half_credit"] for model in ("Themis-RM-0.6B", "SkyworkV2-Qwen-8B"))
    assert (small, big) == pytest.approx((0.8252, 0.7471), abs=5e-5)
    assert found["Themis-RM-0.6B", "overall"]["half_credit"] < found["SkyworkV2-Qwen-8B", "overall"]["half_credit"]
