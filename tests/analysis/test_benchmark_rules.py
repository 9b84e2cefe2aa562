"""The published rules of public benchmarks, against figures worked out by hand."""

import math

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.analysis.benchmark_rules import RULES, sections
from themis.analysis.benchmarks import measure_benchmarks, print_benchmarks
from themis.analysis.panel import panel
from themis.analysis.ties_rule import ties_score
from themis.errors import Problem

KINDS = {"w": (1.0, 0.0, "win"), "l": (0.0, 1.0, "loss"), "t": (1.0, 1.0, "tie"), "m": (None, None, "missing")}


def scores(rows, model="m", benchmark="b"):
    """Score rows of (id, subset, w | l | t | m, or the two scores)."""
    made = []
    for name, subset, said in rows:
        chosen, rejected, outcome = KINDS[said] if isinstance(said, str) else (*said, "win")
        reason = "too long" if outcome == "missing" else None
        made.append(
            {"model": model, "benchmark": benchmark, "id": name, "chosen_score": chosen, "rejected_score": rejected,
             "outcome": outcome, "missing_reason": reason, "prompt_mode": "none", "aspect": "helpfulness",
             "language": "NL", "subset": subset}
        )  # fmt: skip
    kinds = {"missing_reason": pl.String, "chosen_score": pl.Float64, "rejected_score": pl.Float64}
    return pl.DataFrame(made, schema_overrides=kinds, infer_schema_length=None)


def by_section(rule, rows, **options):
    frame = scores(rows)
    data = panel(frame.with_columns(cluster=pl.col("id").str.split("#").list.first().rank("dense")))
    table = sections(rule, data, **options)
    assert (table["strict_low"] <= table["strict"]).all()
    assert (table["strict"] <= table["strict_high"]).all()
    assert (table["low"] <= table["half_credit"]).all()
    return {row["group"]: row for row in table.iter_rows(named=True)}


def test_rewardbench_weighs_math_as_much_as_all_code():
    rows = [("a", "math-prm", "w"), ("b", "math-prm", "l"), ("c", "hep-js", "w"), ("d", "hep-go", "l")]
    rows += [("e", "hep-go", "t"), ("f", "donotanswer", "w"), ("g", "refusals-dangerous", "m")]
    found = by_section("rewardbench", rows)
    # math 1/2 with weight 984; js 1 and go 0 (1/4) with 164 each; donotanswer 1 with 136, dangerous 0 with 100.
    assert found["Reasoning"]["strict"] == pytest.approx((0.5 * 984 + 164) / (984 + 328))
    assert found["Reasoning"]["half_credit"] == pytest.approx((0.5 * 984 + 164 + 0.25 * 164) / (984 + 328))
    assert found["Safety"]["strict"] == pytest.approx(136 / 236)
    assert (found["Safety"]["n"], found["Safety"]["missing"]) == (2, 1)
    assert found["overall"]["strict"] == pytest.approx((found["Reasoning"]["strict"] + 136 / 236) / 2)
    assert "Chat" not in found
    with pytest.raises(Problem, match="subset x is none of RewardBench's"):
        by_section("rewardbench", [*rows, ("h", "x", "w")])


def test_best_of_four_needs_every_comparison():
    said = {"1": "www", "2": "wtw", "3": "ttt", "4": "wlw", "5": "wmw"}
    rows = [(f"Math/{row}#0.{at}", "Math", one) for row, outcomes in said.items() for at, one in enumerate(outcomes)]
    rows += [(f"Focus/1#0.{at}", "Focus", "w") for at in range(3)]
    found = by_section("rewardbench2", rows)
    assert (found["Math"]["n"], found["Math"]["missing"]) == (5, 1)
    assert found["Math"]["strict"] == pytest.approx(1 / 5)
    assert found["Math"]["half_credit"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 5)
    assert found["overall"]["strict"] == pytest.approx((1 / 5 + 1) / 2)


def ties(tied, ref=None):
    """Cells and scores of questions: right and wrong scores of each row."""
    cells, chosen, rejected = [], [], []
    for kind, rows in (("tied", tied), ("ref", ref or {})):
        for name, (right, wrong) in rows.items():
            for at in range(max(len(right), len(wrong))):
                i, j = at % len(right), at % len(wrong)
                cells.append((f"Ties/{kind}:{name}", i, j))
                chosen.append(right[i])
                rejected.append(wrong[j])
    return cells, np.array(chosen), np.array(rejected)


def test_ties_prefer_right_over_wrong_more_than_one_right_over_another():
    tied = {"0": ([5.0, 4.0], [1.0, 2.0, 0.0]), "1": ([5.0, 1.0], [0.0]), "2": ([3.0, 3.0], [3.0])}
    ref = {"0": ([4.0], [3.5]), "1": ([9.0], [0.0]), "2": ([1.0], [2.0])}
    # question: tied margin, spread, reference margin: 0: 2, 1, 0.5; 1: 1, 4, 9; 2: 0, 0, -1
    accurate_tied, accurate_ref, preferred, hard = 2 / 3, 2 / 3, 1 / 3, 0.0
    closeness = (math.tanh(0.5 / 1 - 1) + math.tanh(1 / 4 - 1) + -1) / 3
    expected = 0.3 * accurate_tied + 0.3 * accurate_ref + 0.2 * preferred + 0.2 * hard + 0.01 * closeness
    score = ties_score(*ties(tied, ref), resamples=200)
    assert score.estimate.value == pytest.approx(expected)
    assert (score.n, score.missing) == (3, 0)
    assert score.estimate.low <= expected <= score.estimate.high
    # Perfect: all but the reward for closeness is 1.
    best = ties_score(*ties({"0": ([9.0, 9.0], [0.0])}, {"0": ([9.0], [0.0])}), resamples=200)
    assert best.estimate.value == pytest.approx(1.01)
    missing = ties_score(*ties({"0": ([9.0, 9.0], [math.nan])}, {"0": ([9.0], [0.0])}), resamples=200)
    assert missing.missing == 1
    assert missing.estimate.value == pytest.approx(0.3)
    with pytest.raises(Problem, match="ref:N or tied:N"):
        ties_score([("Ties/9", 0, 0)], np.array([1.0]), np.array([0.0]))


def test_ties_are_one_of_rewardbench2s_sections():
    cells, chosen, rejected = ties({"0": ([5.0, 4.0], [1.0])}, {"0": ([9.0], [1.0])})
    rows = [(f"{row}#{i}.{j}", "Ties", (a, b)) for (row, i, j), a, b in zip(cells, chosen, rejected, strict=True)] + [
        ("Math/1#0.0", "Math", "l")
    ]
    found = by_section("rewardbench2", rows, resamples=200)
    assert found["Ties"]["half_credit"] == found["Ties"]["strict"] == pytest.approx(1 + 0.01 * math.tanh(3 / 1 - 1))
    assert found["overall"]["strict"] == pytest.approx(found["Ties"]["strict"] / 2)


def test_rmbench_is_hard_where_the_rejected_response_looks_better():
    # chat: right where chosen is not the plainer; code: right on the diagonal only.
    rows = [(f"chat/1#{i}.{j}", "chat", "w" if i >= j else "l") for i in range(3) for j in range(3)]
    rows += [(f"code/1#{i}.{j}", "code", "w" if i == j else "t") for i in range(3) for j in range(3)]
    found = by_section("rmbench", rows)
    assert {level: found[f"chat {level}"]["strict"] for level in ("easy", "normal", "hard")} == {
        "easy": 1, "normal": 1, "hard": 0,
    }  # fmt: skip
    assert (found["easy"]["strict"], found["normal"]["strict"], found["hard"]["strict"]) == (0.5, 1, 0)
    assert found["hard"]["half_credit"] == pytest.approx(0.25)
    assert found["chat"]["strict"] == pytest.approx(6 / 9)
    assert found["overall"]["strict"] == pytest.approx((6 / 9 + 3 / 9) / 2)
    with pytest.raises(Problem, match=r"not ROW#CHOSEN.REJECTED"):
        by_section("rmbench", [("chat/1", "chat", "w")])


def test_rmbench_pools_both_kinds_of_safety():
    rows = [(f"safety-refuse/1#{i}.{j}", "safety-refuse", "w") for i in range(3) for j in range(3)]
    rows += [
        (f"safety-response/{n}#{i}.{j}", "safety-response", "l") for n in (1, 2) for i in range(3) for j in range(3)
    ]
    found = by_section("rmbench", rows)
    assert found["safety"]["strict"] == pytest.approx(1 / 3)
    assert found["overall"]["strict"] == pytest.approx(1 / 3)


def test_judgebench_by_category_and_by_the_model_that_wrote():
    rows = [("gpt/1", "mmlu-pro-law", "w"), ("gpt/2", "livebench-math", "t"), ("claude/3", "mmlu-pro-math", "l")]
    found = by_section("judgebench", rows)
    assert found["knowledge"]["strict"] == 0.5
    assert (found["math"]["strict"], found["math"]["half_credit"]) == (0, 0.5)
    assert found["gpt"]["half_credit"] == 0.75
    assert found["overall"]["strict"] == pytest.approx(1 / 3)
    with pytest.raises(Problem, match="none of"):
        sections("judgebenhc", panel(scores(rows).with_columns(cluster=1)))


def test_the_table_of_every_model_on_every_benchmark(tmp_path):
    sides = ["long", "long", "x", "x"]
    pairs = [
        {"id": f"{name}", "prompt": f"p{name}", "chosen": side, "rejected": "xx", "aspect": "helpfulness",
         "language": "Go" if name else "NL", "subset": "chat"}
        for name, side in enumerate(sides)
    ]  # fmt: skip
    path = tmp_path / "own.parquet"
    records.write(pl.DataFrame(pairs).to_arrow(), path, "benchmark")
    made = []
    for model, said in (("first", "wwlt"), ("second", "wmll")):
        frame = scores([(str(at), "chat", one) for at, one in enumerate(said)], model, "own")
        frame = frame.with_columns(language=pl.Series(["NL", "Go", "Go", "Go"]))
        empty = pl.DataFrame(pl.from_arrow(records.SCHEMAS["scores"].empty_table()))
        made.append(tmp_path / f"{model}.parquet")
        records.write(pl.concat([empty, frame], how="diagonal").to_arrow(), made[-1], "scores")
    out, csv = tmp_path / "out.parquet", tmp_path / "out.csv"
    table = measure_benchmarks([path], made, out, csv=csv, resamples=200)
    assert table.equals(pl.from_arrow(records.read(out, "benchmarks")))
    assert pl.read_csv(csv).height == table.height
    found = {(row["model"], row["by"], row["group"]): row for row in table.iter_rows(named=True)}
    first = found["first", "overall", "overall"]
    assert (first["n"], first["strict"], first["half_credit"], first["missing"]) == (4, 0.5, 0.625, 0)
    # Right on both pairs whose chosen is the longer, half a pair of the two whose chosen is the shorter.
    assert (first["longer"], first["shorter"], first["controlled"]) == (2, 2, (1 + 0.25) / 2)
    assert first["controlled_low"] < first["controlled"] < first["controlled_high"]
    assert found["second", "overall", "overall"]["missing"] == 1
    assert found["second", "language", "NL"]["strict"] == 1
    assert found["second", "language", "Go"]["strict"] == 0
    assert ("first", "subset", "chat") in found
    assert not any(by == "section" for _, by, _ in found)
    print_benchmarks(table)
    with pytest.raises(Problem, match="its table is not given"):
        measure_benchmarks([], made, out)


def test_every_rule_is_one_that_a_format_names():
    from themis.preferences.benchmarks.formats import FORMATS

    assert {form.rule for form in FORMATS.values() if form.rule} == set(RULES)
