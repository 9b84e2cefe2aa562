"""Robustness: every figure counted again by hand, pairs without a score apart, and shifts of the side that moved."""

import polars as pl
import pytest

from themis import records
from themis.analysis import answers, robustness_figures
from themis.analysis.drawing import marks
from themis.analysis.printed import printed_table
from themis.analysis.robustness import compare, robustness
from themis.errors import Problem
from themis.records import Ledger
from themis.vocabulary import CODE_CRITERIA, SEPARATOR

USUAL = "+".join(CODE_CRITERIA)
N = 12


def scores(rows, model="m", mode="criterion"):
    """Rows of schema "scores" from (id, chosen score, rejected score); None is missing."""
    made = []
    for key, chosen, rejected in rows:
        lost = chosen is None
        outcome = "missing" if lost else "win" if chosen > rejected else "tie" if chosen == rejected else "loss"
        made.append(
            {"model": model, "benchmark": "robustness", "id": key, "chosen_score": chosen, "rejected_score": rejected}
            | {"outcome": outcome, "missing_reason": "too long" if lost else None, "truncated": False}
            | {"prompt_mode": mode, "aspect": "functional_correctness", "language": "Go", "subset": "S"}
        )
    return pl.DataFrame(made, schema=pl.from_arrow(records.SCHEMAS["scores"].empty_table()).schema)


@pytest.fixture
def study(tmp_path):
    """Twelve pairs, all won by 1: `authority` turns four into losses and leaves one without a score, `renaming` applies to
    six and ties one."""
    plain = [(f"{at}", 2.0, 1.0) for at in range(N)]
    dressed = [(f"{at}{SEPARATOR}authority", *((2.0, 4.0) if at < 4 else (2.0, 1.5))) for at in range(N - 1)]
    dressed.append((f"{N - 1}{SEPARATOR}authority", None, None))
    renamed = [(f"{at}{SEPARATOR}renaming", 1.0 if at == 0 else 1.5, 1.0) for at in range(6)]
    rows = [*plain, *dressed, *renamed]
    pairs = pl.DataFrame(
        {"id": key, "prompt": f"p{int(key.split(SEPARATOR)[0]) // 2}", "chosen": "a", "rejected": "b"}
        | {"aspect": "functional_correctness", "language": "Go", "subset": "S"}
        for key, _, _ in rows
    )
    records.write(pairs.to_arrow(), tmp_path / "robustness.parquet", "benchmark")
    for model in ("m", "other"):
        records.write(scores(rows, model).to_arrow(), tmp_path / f"{model}.parquet", "scores")
    ledger = Ledger("perturb")
    ledger.keep("authority", N)
    ledger.keep("renaming", 6)
    ledger.drop("no name", "renaming", 4)
    ledger.drop("does not parse", "renaming", 2)
    ledger.drop("no comment", "no_comments", N)
    ledger.write(tmp_path / "ledger.parquet")
    for number, gained in enumerate((0.0, 0.0, -1.5)):
        mode = USUAL if number == 0 else "+".join((*CODE_CRITERIA[number:], *CODE_CRITERIA[:number]))
        moved = scores([(f"{at}", 2.0 + gained, 1.0) for at in range(N)], mode=mode)
        records.write(moved.to_arrow(), tmp_path / f"order{number}.parquet", "scores")
    return tmp_path


def run(study, models=("m",), orders=()):
    return robustness(
        study / "out.parquet",
        [study / f"{model}.parquet" for model in models],
        benchmark=study / "robustness.parquet",
        ledger=study / "ledger.parquet",
        orders=[study / f"order{number}.parquet" for number in orders],
        seed=1,
        resamples=500,
    )


def only(table, name, model="m"):
    return table.filter(pl.col("perturbation") == name, pl.col("model") == model).row(0, named=True)


def test_accuracy_flips_and_shifts_are_those_counted_by_hand(study):
    row = only(run(study), "authority")
    assert (row["n"], row["missing"], row["not_applicable"], row["side"]) == (11, 1, 0, "rejected")
    assert row["strict"] == row["half_credit"] == pytest.approx(7 / 11)
    assert row["plain_strict"] == row["plain_half_credit"] == 1.0
    assert row["change"] == pytest.approx(-4 / 11)
    assert row["flip_rate"] == row["lost_rate"] == pytest.approx(4 / 11)
    assert row["chosen_shift"] == 0.0
    assert row["rejected_shift"] == pytest.approx((4 * 3.0 + 7 * 0.5) / 11)
    assert row["spread"] == pytest.approx(pl.Series([2.0] * N + [1.0] * N).std())


def test_a_tie_is_half_a_win_and_a_flip(study):
    row = only(run(study), "renaming")
    assert (row["n"], row["missing"], row["not_applicable"]) == (6, 0, 6)
    assert row["reasons"] == "no name (4); does not parse (2)"
    assert row["strict"] == pytest.approx(5 / 6)
    assert row["half_credit"] == pytest.approx(5.5 / 6)
    assert row["flip_rate"] == pytest.approx(1 / 6)
    assert row["chosen_shift"] == pytest.approx((-1.0 + 5 * -0.5) / 6)


def test_any_other_outcome_is_a_flip_and_what_had_no_score_before_is_left_out():
    plain = scores([("0", 1.0, 2.0), ("1", None, None), ("2", 2.0, 1.0)])
    changed = scores([("0", 2.0, 2.0), ("1", 2.0, 1.0), ("2", 3.0, 1.0)])
    changed = changed.with_columns(base="id", perturbation=pl.lit("authority"))
    prompts = pl.DataFrame({"id": ["0", "1", "2"], "cluster": ["a", "b", "c"]})
    nothing = pl.from_arrow(records.SCHEMAS["attrition"].empty_table())
    row = only(compare(plain, changed, prompts, nothing, seed=1, resamples=200), "authority")
    assert (row["n"], row["missing"]) == (2, 1)
    assert (row["flip_rate"], row["lost_rate"]) == (0.5, 0.0)  # a loss that became a tie
    assert (row["strict"], row["plain_strict"], row["half_credit"]) == (0.5, 0.5, 0.75)


def test_a_perturbation_that_applies_nowhere_is_in_the_table_without_figures(study):
    row = only(run(study), "no_comments")
    assert (row["n"], row["not_applicable"]) == (0, N)
    assert row["strict"] is None and row["change"] is None


def test_intervals_hold_the_value_and_are_the_same_again(study):
    table = run(study)
    for row in table.filter(pl.col("n") > 0).iter_rows(named=True):
        for value, low, high in (
            ("strict", "strict_low", "strict_high"), ("half_credit", "low", "high"),
            ("change", "change_low", "change_high"), ("flip_rate", "flip_low", "flip_high"),
            ("rejected_shift", "rejected_shift_low", "rejected_shift_high"),
        ):  # fmt: skip
            assert row[low] <= row[value] <= row[high]
    assert only(table, "authority")["change_low"] < only(table, "authority")["change_high"]
    first = (study / "out.parquet").read_bytes()
    run(study)
    assert (study / "out.parquet").read_bytes() == first


def test_orders_of_criteria_are_compared_with_the_usual_one(study):
    row = only(run(study, orders=(0, 1, 2)), "criteria_order")
    assert (row["n"], row["side"]) == (2 * N, "system")
    assert row["flip_rate"] == row["lost_rate"] == 0.5
    assert row["change"] == -0.5
    assert row["chosen_shift"] == pytest.approx(-0.75)
    with pytest.raises(Problem, match="usual order"):
        run(study, orders=(1, 2))


def test_models_stand_in_the_order_given_and_must_have_scored_these_pairs(study):
    table = run(study, ("other", "m"))
    assert table["model"].unique(maintain_order=True).to_list() == ["other", "m"]
    part = pl.read_parquet(study / "m.parquet").head(5)
    records.write(part.to_arrow(), study / "part.parquet", "scores")
    with pytest.raises(Problem, match=r"part\.parquet: not scores of the pairs"):
        run(study, ("part",))


def test_the_answer_and_the_table_say_what_was_found(study):
    table = run(study)
    said = answers.robustness(printed_table("4"), table)
    assert "“By an expert”: 100.0% of 11 pairs before, 63.6% after (change -36.4 points [" in said
    assert "Over 2 hacks its accuracy changes by -22.3 points in the mean, and 26.5% of the outcomes are others" in said
    assert "neither sampled" in answers.robustness(printed_table("4"), table.clear())
    shown = robustness_figures.shown(table)
    assert shown.height == table.height
    assert shown["Not applicable"].to_list() == ["0", "6", "12"]


def test_figures_draw_a_row_per_perturbation_that_was_scored(study):
    table = run(study, ("m", "other"))
    for figure in (
        robustness_figures.changes(table, marks(["m", "other"])),
        robustness_figures.shifts(table, marks(["m", "other"])),
    ):
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == ["By an expert", "Names obscured"]
        points = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
        assert len(points) == 4
    assert "no pair was scored" in robustness_figures.changes(table.clear(), {}).texts[0].get_text().replace("\n", " ")
