"""Margins by criterion are in a model's own units, and two models are shown where both are surest and one is wrong."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from themis.analysis import drawing, examples, margins, score_figures
from themis.records import write

CRITERIA = ("functional_correctness", "security_hardness")


def scores(**models):
    """model -> the margins of its pairs, None where it has no score; a rejected response scores 1."""
    rows = [
        {
            "model": model, "id": f"p{place}", "aspect": CRITERIA[place % 2], "language": "Go", "subset": "S",
            "chosen_score": None if margin is None else 1.0 + margin, "rejected_score": None if margin is None else 1.0,
            "outcome": "missing" if margin is None else "win" if margin > 0 else "loss" if margin < 0 else "tie",
        }
        for model, own in models.items() for place, margin in enumerate(own)
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def test_quartiles_by_criterion_do_not_depend_on_a_models_scale():
    own = [3.0, -1.0, 5.0, 0.0, 1.0, 2.0, None]
    table = margins.profiles(scores(small=own, large=[None if one is None else 1000 * one for one in own]))
    assert table["group"].unique(maintain_order=True).to_list() == ["overall", *CRITERIA]
    small, large = (table.filter(pl.col("model") == model).drop("model") for model in ("small", "large"))
    assert small["n"].to_list() == large["n"].to_list() == [6, 3, 3]
    values = np.array(own[:6])
    for group, part in zip(small.iter_rows(named=True), (values, values[::2], values[1::2]), strict=True):
        expected = np.quantile(part / values.std(ddof=1), [0.25, 0.5, 0.75])
        assert [group[name] for name in ("low", "middle", "high")] == pytest.approx(list(expected))
    for name in ("low", "middle", "high"):
        assert small[name].to_list() == pytest.approx(large[name].to_list())


def test_a_model_whose_margins_are_all_alike_has_no_units():
    table = margins.profiles(scores(flat=[2.0, 2.0], silent=[None, None]))
    assert table["middle"].to_list() == [None] * 3 and table["model"].unique().to_list() == ["flat"]


def test_the_pairs_of_the_surest_disagreements_come_first():
    one = [9.0, 8.0, -7.0, 1.0, 0.0, None, 5.0]  # against both: p1, p2 and p3 are the ones they differ on
    two = [4.0, -9.0, 0.1, -0.2, -3.0, -8.0, 7.0]
    table = margins.disagreements(scores(one=one, two=two, other=[-1.0] * 7), "one", "two", 9)
    assert table["id"].to_list() == ["p1", "p3", "p2"]
    assert table["right"].to_list() == ["one", "one", "two"]
    # Of six margins, 8 is larger than all but one; of seven, 0.1 is the smallest; 1 is larger than 0 alone.
    assert table["apart"].to_list() == pytest.approx([5 / 6, 2 / 7, 1 / 7])
    first = table.row(0, named=True)
    assert [first[name] for name in ("first_chosen", "first_rejected", "second_chosen")] == [9.0, 1.0, -8.0]
    assert margins.disagreements(scores(one=one, two=two), "one", "two", 1)["id"].to_list() == ["p1"]
    assert margins.disagreements(scores(one=one), "one", "one", 9).is_empty()


def test_a_disagreement_is_shown_with_both_texts_and_nothing_in_them_is_markup(tmp_path):
    pairs = [
        {"id": f"p{place}", "prompt": "<script>do</script>\nit\n in Go", "chosen": "a\n<b>good</b>\n", "rejected": "a\nbad\n",
         "aspect": CRITERIA[place % 2], "language": "Go", "subset": "S"} for place in range(3)
    ]  # fmt: skip
    write(pl.DataFrame(pairs).to_arrow(), tmp_path / "b.parquet", "benchmark")
    table = margins.disagreements(scores(one=[1.0, 2.0, 3.0], two=[1.0, -2.0, 3.0]), "one", "<i>two</i>", 9)
    assert table.is_empty()
    table = margins.disagreements(scores(one=[1.0, 2.0, 3.0], two=[1.0, -2.0, 3.0]), "one", "two", 9)
    page = examples.disagreements(tmp_path / "b.parquet", table, "one", "two")
    assert "one is right" in page and "two: rejected 1, chosen -1" in page and "p1" in page
    assert "good" in page and "bad" in page and "it in Go" in page
    assert "<script>" not in page and "<b>good" not in page
    assert "never decide otherwise" in examples.disagreements(tmp_path / "b.parquet", table.head(0), "one", "two")


def test_figures_of_rewards_and_profiles_are_legible(faults_of):
    draw = np.random.default_rng(1)
    names = [f"model-{place}" for place in range(5)]
    made = scores(**{name: draw.normal(0.4, 1 + place, 60).tolist() for place, name in enumerate(names)})
    made = pl.concat([made, scores(silent=[None] * 60).with_columns(pl.col("^.*_score$").cast(pl.Float64))])
    styles = drawing.marks([*names, "silent"])
    assert faults_of(score_figures.rewards(made, styles)) == []
    assert faults_of(score_figures.profiles(margins.profiles(made), styles)) == []
