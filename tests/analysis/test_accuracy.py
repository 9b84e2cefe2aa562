"""Accuracies are what counting by hand gives; ties and missing rows stay apart; the published figures come out."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.analysis import inputs
from themis.analysis.accuracy import accuracy, points, ranking
from themis.analysis.headline import headline
from themis.analysis.intervals import paired_difference, wilson
from themis.errors import Problem

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
                pl.lit("criterion").alias("prompt_mode"), "aspect", "language", "subset",
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
