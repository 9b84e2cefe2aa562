"""Every number of an answer is one of the tables it is drawn from; what a study cannot say is said."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import polars as pl
import pytest

from themis.analysis import answers
from themis.analysis.printed import ablations, printed_table

F, S, R = "functional_correctness", "security_hardness", "runtime_efficiency"


def accuracy_rows(values):
    """values: model -> group -> (half_credit, low, high); n is 1,000 times the place of the group."""
    rows = [
        {"model": model, "group": group, "n": 1_000 * (place + 1), "half_credit": value, "low": low, "high": high}
        for model, groups in values.items()
        for place, (group, (value, low, high)) in enumerate(groups.items())
    ]
    return pl.DataFrame(rows)


def ties_of(*rows):
    names = {"model": pl.String, "strict": pl.Float64, "half_credit": pl.Float64, "gain": pl.Float64}
    return pl.DataFrame(list(rows), schema=names, orient="row")


@pytest.fixture(scope="module")
def cells():
    """The paper's printed figures, read from the data file itself: (table, row, column) -> figure."""
    text = files("themis.analysis").joinpath("data/printed_tables.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {(r["table"], r["row"], r["column"]): float(r["printed"]) for r in csv.DictReader(lines)}


BY_CRITERION = {
    "demo-a": {"overall": (0.61, 0.6, 0.62), F: (0.701, 0.652, 0.748), S: (0.513, 0.471, 0.555)},
    "demo-b": {"overall": (0.60, 0.5, 0.70), F: (0.531, 0.489, 0.573), S: (0.664, 0.617, 0.709)},
    "demo-c": {"overall": (0.40, 0.3, 0.50), F: (0.500, 0.400, 0.600), S: (0.300, 0.250, 0.350)},
}


def test_the_best_of_each_criterion_is_named_with_its_interval():
    said = answers.criteria(accuracy_rows(BY_CRITERION), ties_of())
    assert "functional correctness demo-a 70.1% [65.2 74.8]; security hardness demo-b 66.4% [61.7 70.9]." in said
    # Half lies in the intervals of b and c in the first, of a alone in the second.
    assert "Of 3 models, those that cannot be told from guessing: 2 in functional correctness, 1 in security" in said
    assert "tie" not in said
    assert "runtime" not in said


def test_what_ties_hide_is_told_where_it_is_a_point_or_more():
    ties = ties_of(("demo-c", 0.279, 0.615, 33.6), ("demo-b", 0.5, 0.513, 1.3), ("demo-a", 0.6, 0.604, 0.4))
    said = answers.criteria(accuracy_rows(BY_CRITERION), ties)
    assert "moves 2 of 3 models by a point or more, demo-c the most: 33.6 points, from 27.9% to 61.5%" in said


def test_pairs_of_no_criterion_of_code_are_not_ranked():
    table = accuracy_rows({"demo-a": {"overall": (0.5, 0.4, 0.6), "helpfulness": (0.5, 0.4, 0.6)}})
    assert answers.criteria(table, ties_of()) == "None of the pairs is of one of the five criteria of code."


def test_families_say_where_the_leader_stands_outside_its_training():
    inside, outside = "in_family", "out_of_family"
    table = accuracy_rows(
        {
            "a": {"overall": (0.9, 0.8, 1.0), inside: (0.99, 0.9, 1.0), outside: (0.701, 0.652, 0.748)},
            "b": {"overall": (0.8, 0.7, 0.9), inside: (0.81, 0.7, 0.9), outside: (0.791, 0.742, 0.838)},
            "c": {"overall": (0.7, 0.6, 0.8), inside: (0.66, 0.6, 0.8), outside: (0.751, 0.702, 0.798)},
        }
    )
    said = answers.families(table)
    assert said.startswith("a leads over all pairs")
    assert "on the 3,000 pairs of families outside the training mix the best is b 79.1% [74.2 83.8]" in said
    assert "a is number 3 of 3 there" in said


@pytest.mark.parametrize(
    ("group", "why"),
    [
        (None, "The study names no subsets of training families"),
        ("in_family", "All pairs are of trained-on families"),
        ("out_of_family", "All pairs are of other families"),
    ],
)
def test_without_both_kinds_of_families_contamination_is_left_open(group, why):
    half = (0.9, 0.8, 1.0)
    said = answers.families(accuracy_rows({"a": {"overall": half} | ({group: half} if group else {})}))
    assert said == f"{why}, so it cannot say how much of a lead is contamination."


def correlations(*rows):
    names = {"first": pl.String, "second": pl.String, "models": pl.Int64, "rho": pl.Float64}
    return pl.DataFrame(list(rows), schema=names, orient="row")


def test_interference_tells_the_least_and_the_greatest_correlation(cells):
    table = correlations((R, S, 17, None), (S, R, 17, 0.75), (F, R, 17, 0.918), (F, S, 17, 0.637))
    said = answers.interference(table, ablations("2"))
    assert "Over 17 models" in said
    assert "0.64 (functional correctness and security hardness)" in said
    assert "0.92 (functional correctness and runtime efficiency)" in said
    own = {"FC": "Functional_Correctness", "EE": "Runtime_Efficiency", "ME": "Memory_Efficiency",
           "R&M": "Readability_Maintainability", "SH": "Security_Hardness"}  # fmt: skip
    full = {column: cells["2", "Themis-RM-8B", column] for column in own.values()}
    within, without = [], []
    for key, trained in own.items():
        for column in own.values():
            lost = full[column] - cells["2 ablation", f"Themis-RM-8B {key} only", column]
            (within if column == trained else without).append(lost)
    assert min(within) > 0  # so that "lose" is true of all
    assert f"lose {min(within):.1f} to {max(within):.1f} points in it" in said
    assert f"and {min(without):.1f} to {max(without):.1f} in the others" in said
    merged = cells["2", "Themis-RM-8B", "Average"]
    merged -= cells["2 ablation", "Themis-RM-8B criteria-level model merge", "Average"]
    assert f"merging the five loses {merged:.1f} points" in said
    assert "Quoted from the paper, not measured here" in said


def test_too_few_models_rank_no_criteria(cells):
    for table in (correlations(), correlations((F, S, 3, None))):
        said = answers.interference(table, ablations("2"))
        assert said.startswith("This study has too few models, or too few criteria")
        assert "correlate with" not in said


def test_transfer_tells_the_range_of_languages(cells):
    table = accuracy_rows(
        {
            "a": {"overall": (0.9, 0.8, 1.0), "macro": (0.1, 0, 1), "C": (0.701, 0.652, 0.748), "Go": (0.913, 0.871, 0.955)},
            "b": {"overall": (0.8, 0.7, 0.9), "macro": (0.9, 0, 1), "C": (0.600, 0.5, 0.7), "Go": (0.650, 0.6, 0.7)},
            "c": {"overall": (0.7, 0.6, 0.8), "macro": (0.9, 0, 1), "C": (0.720, 0.6, 0.8), "Go": (0.600, 0.5, 0.7)},
        }
    )  # fmt: skip
    said = answers.transfer(table, ablations("3"))
    assert "a is right in C 70.1% [65.2 74.8] and in Go 91.3% [87.1 95.5]" in said
    assert "lie 12.0 points in the median of 3 models" in said  # 21.2, 5 and 12
    for row, language in (("Python", "Python"), ("Java", "Java")):
        assert f"{language} {cells['3 ablation', f'Themis-RM-8B 50k {row}', 'Average']:.1f}" in said
    assert f"of all eight {cells['3 ablation', 'Themis-RM-8B 50k all languages', 'Average']:.1f}" in said


def test_one_language_says_nothing_of_transfer():
    table = accuracy_rows({"a": {"overall": (0.9, 0.8, 1.0), "macro": (0.9, 0.8, 1.0), "Go": (0.9, 0.8, 1.0)}})
    assert answers.transfer(table, ablations("3")).startswith("This study has pairs in one language only.")


def test_robustness_quotes_the_best_of_the_paper(cells):
    said = answers.robustness(printed_table("4"))
    assert "neither sampled solutions with test results nor adversarial pairs" in said
    for measure in ("Hits@10", "Adversarial"):
        figures = {}
        for (table, row, column), figure in cells.items():
            if table == "4" and column.split()[0] == measure:
                figures.setdefault(row, []).append(figure)
        means = {row: sum(values) / len(values) for row, values in figures.items()}
        best = max(means, key=means.get)
        assert len(figures[best]) == 3
        assert re.search(rf"{re.escape(best)} \([^)]*{means[best]:.1f}%\)", said), measure


def test_scores_are_described_by_their_measures():
    resolution = pl.DataFrame({"model": ["a", "b", "c"], "tie_rate": [0.3, 0.02, 0.005], "distinct": [1_234, 5_678, 3]})
    agreement = pl.DataFrame({"first": ["a", "a", "b"], "second": ["b", "c", "c"], "kappa": [0.412, None, 0.731]})
    calibration = pl.DataFrame(
        {"model": ["a", "b", "c"], "ece": [0.042, 0.123, 0.301], "nll": [0.5, 0.6, 0.7], "nll_scaled": [0.4, 0.61, 0.6]}
    )
    lengths = pl.DataFrame(
        {
            "model": ["a", "b", "b"], "group": ["overall", "overall", F], "controlled": [0.6, 0.5, 0.5],
            "bias": [0.1, -0.342, 0.9], "accuracy_longer": [0.65, 0.417, 0.9], "accuracy_shorter": [0.55, 0.759, 0.0],
        }
    )  # fmt: skip
    said = answers.scores(resolution, agreement, calibration, lengths)
    assert "2 of 3 models give both responses the same score" in said
    assert "a knows only 1,234 distinct scores" in said  # the coarsest of those that tie
    assert "most alike are b and c (kappa 0.73)" in said
    assert "miss by 12.3% in the median" in said
    assert "makes 2 of 3 models likelier" in said
    assert "taste for length has b: right in 41.7%" in said
    assert "in 75.9% where it is the shorter" in said


def test_a_model_alone_without_texts_is_described_by_what_there_is():
    resolution = pl.DataFrame(
        {"model": ["a"], "tie_rate": [None], "distinct": [0]}, schema_overrides={"tie_rate": pl.Float64}
    )
    agreement = pl.DataFrame(schema={"first": pl.String, "second": pl.String, "kappa": pl.Float64})
    numbers = dict.fromkeys(("ece", "nll", "nll_scaled"), pl.Float64)
    calibration = pl.DataFrame(
        {"model": ["a"], "ece": [None], "nll": [None], "nll_scaled": [None]}, schema_overrides=numbers
    )
    names = ("controlled", "bias", "accuracy_longer", "accuracy_shorter")
    lengths = pl.DataFrame(schema={"model": pl.String, "group": pl.String} | dict.fromkeys(names, pl.Float64))
    said = answers.scores(resolution, agreement, calibration, lengths)
    assert said.startswith("0 of 1 models")
    assert "kappa" not in said
    assert "median" not in said
    assert said.endswith("The pairs' texts are not known to this study, so it cannot say what length alone decides.")
