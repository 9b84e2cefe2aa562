"""Printed figures that the scores contradict are all found, each with its kind; ties are counted as by hand."""

import csv
import itertools
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from themis.analysis import discrepancies as module
from themis.analysis.discrepancies import comparison, discrepancies, summary, tie_corrections
from themis.analysis.paper_benchmark import SUBSETS
from themis.vocabulary import ABSENT

REFERENCE = Path(__file__).parents[3] / "shared/reference"
RUNS = REFERENCE / "published_runs"

# Pairs won of each subset of tables 7 and 9, and the accuracy that gives, by hand.
WINS = {
    "HUMANEVAL_PACK": 617, "MBPP_PLUS_FIX_HARD": 16, "MDEVAL": 81, "DEBUG_EVAL": 145, "RUNBUGRUN": 1701,
    "COMMITPREFS_FUNCTIONAL": 228, "NOFUNEVAL_MAINTAIN": 76, "COMMITPREFS_READABILITY": 914,
    "CODEPREFBENCH_SECURITY": 118, "VUL4J": 6, "SECBENCH": 11, "NOFUNEVAL_SECURITY": 21, "COMMITPREFS_SECURITY": 510,
}  # fmt: skip
FIGURES = {
    "HUMANEVAL_PACK": 98.25, "MBPP_PLUS_FIX_HARD": 43.24, "MDEVAL": 60.45, "DEBUG_EVAL": 20.03, "RUNBUGRUN": 70.0,
    "COMMITPREFS_FUNCTIONAL": 27.64, "NOFUNEVAL_MAINTAIN": 59.38, "COMMITPREFS_READABILITY": 66.67,
    "CODEPREFBENCH_SECURITY": 68.21, "VUL4J": 75.0, "SECBENCH": 78.57, "NOFUNEVAL_SECURITY": 77.78,
    "COMMITPREFS_SECURITY": 66.32,
}  # fmt: skip


def row(model, pair, outcome, aspect, language, subset, reason=None, benchmark="crb"):
    return {
        "model": model, "benchmark": benchmark, "id": pair, "outcome": outcome, "missing_reason": reason,
        "aspect": aspect, "language": language, "subset": subset,
    }  # fmt: skip


def frame(rows):
    return pl.DataFrame(rows, schema_overrides={"missing_reason": pl.String})


@pytest.fixture(scope="module")
def made():
    """One model on a benchmark of the paper's size, with the wins above (none in other subsets)."""
    return frame(
        row("M", f"{subset}{place:04d}", "win" if place < WINS.get(subset, 0) else "loss", str(aspect), "Go", subset)
        for subset, (aspect, n) in SUBSETS.items()
        for place in range(n)
    )


@pytest.fixture
def print_figures(monkeypatch):
    """Have the paper print FIGURES for the model, but for the changes given."""

    def printed(changes):
        table = dict.fromkeys(list(FIGURES)[:6], "7") | dict.fromkeys(list(FIGURES)[6:], "9")
        rows = [(table[name], "M", "8B", name, changes.get(name, figure)) for name, figure in FIGURES.items()]
        columns = ["table", "row", "size", "column", "printed"]
        figures = pl.DataFrame(rows, columns, orient="row", schema_overrides={"printed": pl.Float64})
        monkeypatch.setattr(module, "printed_table", lambda *tables: figures)

    return printed


@pytest.mark.parametrize(
    ("column", "figure", "kind", "note"),
    [
        ("CODEPREFBENCH_SECURITY", 86.21, "digits transposed", "no number of wins in 173 pairs gives 86.21"),
        ("SECBENCH", 58.77, "unexplained", "no number of wins in 14 pairs gives 58.77"),  # exchanged, not neighbours
        ("MDEVAL", 64.05, "digits transposed", "no number of wins in 134 pairs gives 64.05"),  # across the point
        ("HUMANEVAL_PACK", 98.29, "one digit differs", "no number of wins in 628 pairs gives 98.29"),
        ("COMMITPREFS_SECURITY", 66.45, "unexplained", ""),  # 511 of 769
        ("COMMITPREFS_SECURITY", 66.71, "unexplained", ""),  # 513 of 769
        ("COMMITPREFS_SECURITY", 66.02, "one digit differs", "no number of wins in 769 pairs gives 66.02"),
        ("DEBUG_EVAL", 19.99, "rounding", "no number of wins in 724 pairs gives 19.99"),
        ("DEBUG_EVAL", 19.89, "unexplained", ""),  # 144 of 724
        ("HUMANEVAL_PACK", 100.0, "unexplained", ""),
        ("HUMANEVAL_PACK", 9.25, "unexplained", "no number of wins in 628 pairs gives 9.25"),
        ("VUL4J", 78.57, "unexplained", "the figure of SECBENCH; no number of wins in 8 pairs gives 78.57"),
    ],
)
def test_a_wrong_figure_is_found_and_named(made, print_figures, column, figure, kind, note):
    print_figures({column: figure})
    (found,) = discrepancies(made).to_dicts()
    assert (found["row"], found["size"], found["column"], found["printed"]) == ("M", "8B", column, figure)
    assert found["recomputed"] == pytest.approx(100 * WINS[column] / SUBSETS[column][1], abs=1e-9)
    assert found["difference"] == pytest.approx(figure - found["recomputed"])
    assert (found["kind"], found["note"]) == (kind, note)


def test_right_figures_rounded_or_cut_are_not_found(made, print_figures):
    print_figures({})
    assert discrepancies(made).is_empty()
    print_figures({"COMMITPREFS_FUNCTIONAL": 27.63, "NOFUNEVAL_SECURITY": 77.77, "NOFUNEVAL_MAINTAIN": 59.37})
    found = discrepancies(made)
    assert found.is_empty() and found.columns[-2:] == ["kind", "note"]
    assert summary(found, made) == "Of 13 printed figures of 1 model, none differs from the scores."
    assert discrepancies(made, tolerance=0.006)["column"].to_list() == ["COMMITPREFS_FUNCTIONAL", "NOFUNEVAL_SECURITY"]


def test_two_cells_exchanged_are_swapped_and_one_alone_is_not(made, print_figures):
    print_figures({"VUL4J": 68.21, "CODEPREFBENCH_SECURITY": 75.0})
    found = discrepancies(made)
    assert found.select("column", "kind", "note").rows() == [
        ("CODEPREFBENCH_SECURITY", "cells swapped", "with VUL4J"),
        ("VUL4J", "cells swapped", "with CODEPREFBENCH_SECURITY"),
    ]
    assert "Of 13 printed figures of 1 model, 2 differ" in summary(found, made) and "cells swapped 2" in summary(found)
    for changes in (
        {"VUL4J": 98.25, "HUMANEVAL_PACK": 75.0},  # not in one table
        {"VUL4J": 78.57, "SECBENCH": 71.43},  # one took the other's figure, not the reverse
    ):
        print_figures(changes)
        found = discrepancies(made)
        assert found.height == 2 and "cells swapped" not in found["kind"].to_list()


def test_a_quarter_of_the_models_cells_is_another_run(made, print_figures):
    four = {"VUL4J": 87.5, "MDEVAL": 64.05, "SECBENCH": 71.43, "HUMANEVAL_PACK": 98.29}
    print_figures(four)
    found = discrepancies(made)
    assert set(found["kind"]) == {"another run"} and set(found["note"]) == {"4 of the model's 13 cells differ"}
    assert found["column"].to_list() == ["HUMANEVAL_PACK", "MDEVAL", "VUL4J", "SECBENCH"]  # the paper's order
    print_figures(dict(itertools.islice(four.items(), 3)))  # 3 of 13 are less than a quarter
    assert "another run" not in discrepancies(made)["kind"].to_list()


def test_scores_on_another_benchmark_are_not_compared_and_the_summary_says_why(made):
    demo = frame([row("Themis-RM-8B", "a", "win", "functional_correctness", "Go", "MDEVAL", benchmark="demo")])
    found = discrepancies(demo)
    assert found.is_empty() and comparison(demo).is_empty()
    assert found.columns == discrepancies(made).columns
    assert "compared: the scores are on demo (1 pair" in summary(found, demo)
    assert "none of the paper's models" in summary(discrepancies(made), made)


def test_ties_are_counted_by_hand():
    results = {
        "few": ["win"] * 5 + ["tie"] + ["loss"] * 4,
        "none": ["win"] * 6 + ["loss"] * 4,
        "many": ["win"] * 2 + ["tie"] * 6 + ["loss", "missing"],
        "all": ["tie"] * 9 + ["absent"],
    }
    rows = [
        row(model, str(place), "missing" if result == "absent" else result, "functional_correctness", "Go", "S",
            {"absent": ABSENT, "missing": "too long"}.get(result))
        for model, outcomes in results.items()
        for place, result in enumerate(outcomes)
    ]  # fmt: skip
    table = tie_corrections(frame(rows))
    assert table["model"].to_list() == ["all", "many", "few"]
    everything, many, few = table.to_dicts()
    assert many == pytest.approx(
        {"model": "many", "n": 10, "ties": 6, "tie_rate": 0.6, "strict": 0.2, "half_credit": 0.5, "gain": 30.0,
         "decided": 2 / 3}
    )  # fmt: skip
    assert few["decided"] == pytest.approx(5 / 9) and few["gain"] == pytest.approx(5.0)
    assert (everything["n"], everything["strict"], everything["half_credit"], everything["decided"]) == (
        9,
        0,
        0.5,
        None,
    )


# Below: the published runs.


def recount(flipped=None):
    """(table, row, column) of every cell that differs: plain Python, exact fractions, straight from the files.
    `flipped`: (model, id) whose win is counted as a loss."""
    accuracies = {}
    for file in RUNS.glob("*/scores.parquet"):
        names = ["id", "chosen_score", "rejected_score", "aspect", "language", "subset"]
        columns = pq.read_table(file, columns=names).to_pydict()
        tally = defaultdict(lambda: [0, 0])
        for pair, chosen, rejected, *groups in zip(*(columns[name] for name in names), strict=True):
            won = None not in (chosen, rejected) and chosen > rejected and (file.parent.name, pair) != flipped
            for group in ("Average", *groups):
                tally[group][0] += won
                tally[group][1] += 1
        accuracies[file.parent.name] = {group: Fraction(100 * wins, n) for group, (wins, n) in tally.items()}
    with (REFERENCE / "printed_tables.csv").open(encoding="utf-8", newline="") as stream:
        cells = [line for line in csv.DictReader(stream) if line["table"] in {"2", "3", "7", "8", "9"}]
    assert len(cells) == 1734
    return [
        (line["table"], line["row"], line["column"])
        for line in cells
        if abs(Fraction(line["printed"]) - accuracies[line["row"]][line["column"]]) > Fraction("0.0101")
    ]


def test_the_published_runs_contradict_88_printed_cells(published_scores):
    found = discrepancies(published_scores)
    assert found.select("table", "row", "column").rows() == recount()
    assert Counter(found["kind"]) == {
        "another run": 62, "cells swapped": 2, "digits transposed": 4, "one digit differs": 17, "unexplained": 3,
    }  # fmt: skip
    assert set(found.filter(kind="another run")["row"]) == {"Themis-RM-1.7B", "Themis-RM-0.6B"}
    assert summary(found, published_scores).startswith("Of 1,734 printed figures of 51 models, 88 differ")
    rounded = comparison(published_scores).filter((pl.col("printed") - pl.col("recomputed").round(2)).abs() > 0.0101)
    assert rounded.select("table", "row", "column").rows() == recount()
    for tolerance in (0.007, 0.036):
        assert discrepancies(published_scores, tolerance).height == 88


def test_an_injected_change_is_found(published_scores):
    model = "Themis-RM-14B"
    pair = published_scores.filter(model=model, subset="VUL4J", outcome="win")["id"][0]
    here = (pl.col("model") == model) & (pl.col("id") == pair)
    changed = published_scores.with_columns(outcome=pl.when(here).then(pl.lit("loss")).otherwise("outcome"))
    found = discrepancies(changed).select("table", "row", "column").rows()
    assert found == recount((model, pair))
    assert ("9", model, "VUL4J") in set(found) - set(recount())


def test_only_models_with_scores_are_compared(published_scores):
    few = published_scores.filter(pl.col("model").is_in(["Themis-RM-32B", "Themis-RM-14B"]))
    assert comparison(few).height == 2 * 34
    assert discrepancies(few).select("row", "column", "kind").rows() == [
        ("Themis-RM-32B", "COMMITPREFS_RUNTIME", "one digit differs")
    ]
    assert "Of 68 printed figures of 2 models, 1 differs" in summary(discrepancies(few), few)


def test_ties_of_the_published_runs(published_scores):
    table = {found["model"]: found for found in tie_corrections(published_scores).to_dicts()}
    counts = {model: found["ties"] for model, found in table.items()}
    assert counts == {
        "LMUnit-qwen2.5-72b": 5961, "R3-Qwen3-4B-14k": 3754, "R3-Qwen3-14B-14k": 3543, "R3-Qwen3-8B-14k": 3540,
        "CE-RM-4B": 1852, "AceCodeRM-32B": 1152, "INF-ORM-Llama3.1-70B": 426, "Qwen3-Nemotron-32B-GenRM-Principle": 121,
        "UltraRM-13b": 7, "Eurus-RM-7b": 6, "Starling-RM-34B": 4,
    }  # fmt: skip
    assert round(table["LMUnit-qwen2.5-72b"]["half_credit"], 4) == 0.6151
    assert round(table["LMUnit-qwen2.5-72b"]["decided"], 3) == 0.851
