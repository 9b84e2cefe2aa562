"""Re-ranking measures equal what going through every order and every draw gives, with ties, missing scores and short lists."""

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis import records
from themis.analysis import reranking
from themis.analysis.panel import OVERALL
from themis.errors import Problem

CANDIDATES = st.lists(
    st.tuples(st.sampled_from([None, -1.0, 0.0, 2.5]), st.booleans()), min_size=1, max_size=6
)  # few scores, so that most are tied


def split(candidates):
    scores, passed = zip(*candidates, strict=True)
    return np.array([math.nan if score is None else score for score in scores]), np.array(passed)


def orders(candidates):
    """Every order that ranks higher scores before lower ones and what is missing last."""

    def key(one):
        return -math.inf if one[0] is None else one[0]

    return [
        order
        for order in itertools.permutations(candidates)
        if all(key(first) >= key(second) for first, second in itertools.pairwise(order))
    ]


@given(CANDIDATES, st.integers(1, 8))
def test_hits_are_the_share_of_orders_with_a_pass_among_the_first(candidates, depth):
    outcomes = [any(passed for _, passed in order[:depth]) for order in orders(candidates)]
    expected = None if len({passed for _, passed in candidates}) == 1 else sum(outcomes) / len(outcomes)
    assert reranking.hits(*split(candidates), depth) == pytest.approx(expected)


@given(CANDIDATES)
def test_best_of_n_is_the_mean_over_every_draw_and_every_order(candidates):
    curve = reranking.best_of(*split(candidates))
    for n in range(1, len(candidates) + 1):
        draws = [np.mean([order[0][1] for order in orders(draw)]) for draw in itertools.combinations(candidates, n)]
        assert curve[n - 1] == pytest.approx(np.mean(draws))


def rows(model, question, scores, verdicts, passed=None, tests=4, language="Python"):
    """Rows of a rerank table; a candidate that passes has passed every test, unless `passed` says how many."""
    return [
        {
            "model": model, "question": question, "language": language, "id": f"{question}.{at}", "score": score,
            "missing_reason": "too long" if score is None else None, "truncated": False, "prompt_mode": "criterion",
            "passed": passed[at] if passed else tests * bool(verdict),
            "failed": tests - passed[at] if passed else tests * (not verdict), "verdict": verdict,
        }
        for at, (score, verdict) in enumerate(zip(scores, verdicts, strict=True))
    ]  # fmt: skip


def frame(*parts):
    return pl.DataFrame([row for part in parts for row in part], schema=pl.from_arrow(SCHEMA.empty_table()).schema)


SCHEMA = records.SCHEMAS["rerank"]
T, F = True, False


def test_questions_count_what_is_missing_unknown_and_undefined():
    data = frame(
        rows("m", "mixed", [3.0, None, 1.0, 3.0], [T, T, F, F], passed=[4, 4, 1, 0]),
        rows("m", "none pass", [1.0, 2.0], [F, F], passed=[3, 1]),
        rows("m", "not run", [5.0, 0.0, 1.0], [None, F, T], passed=[0, 0, 4]),
        rows("m", "some tied", [1.0, 2.0, 2.0, 3.0], [F, F, F, T], passed=[0, 1, 2, 4]),
        rows("m", "one share", [1.0, 2.0], [F, F], passed=[2, 2]),
        rows("m", "all tied", [1.0, 1.0], [T, F]),
    )
    table = {row["question"]: row for row in reranking.questions(data).filter(pl.col("model") == "m").to_dicts()}
    mixed = table["mixed"]
    assert (mixed["candidates"], mixed["passing"], mixed["unknown"], mixed["missing"]) == (4, 2, 0, 1)
    assert (mixed["hits_1"], mixed["hits_5"]) == (0.5, 1.0)
    assert mixed["variance"] == pytest.approx(np.var([3, 1, 3])) and mixed["std"] == pytest.approx(np.std([3, 1, 3]))
    # By hand: ranks 2.5 1 2.5 against 3 2 1; one pair agrees, one does not, and one is tied in the scores.
    assert mixed["spearman"] == pytest.approx(np.corrcoef([2.5, 1, 2.5], [3, 2, 1])[0, 1])
    assert mixed["kendall"] == pytest.approx((1 - 1) / math.sqrt(2 * 3))
    assert table["none pass"]["hits_1"] is None and table["none pass"]["spearman"] == pytest.approx(-1)
    assert (table["not run"]["unknown"], table["not run"]["hits_1"]) == (1, 1.0)
    # Five of six pairs agree; the scores of one are tied, the shares of none.
    assert table["some tied"]["kendall"] == pytest.approx(5 / math.sqrt(5 * 6))
    assert table["one share"]["spearman"] is None and table["one share"]["kendall"] is None
    assert table["all tied"]["spearman"] is None and table["all tied"]["variance"] == 0


def test_means_are_over_defined_questions_and_the_others_counted():
    data = frame(
        rows("m", "a", [2.0, 1.0], [T, F]), rows("m", "b", [1.0, 2.0], [T, F], language="Go"),
        rows("m", "c", [1.0, 2.0], [F, F]), rows("m", "d", [2.0, 1.0], [T, F]),
    )  # fmt: skip
    summary = reranking.summary(reranking.questions(data), resamples=4000)
    first = {(row["model"], row["group"]): row for row in summary.filter(pl.col("measure") == "hits_1").to_dicts()}
    overall = first["m", OVERALL]
    assert (overall["questions"], overall["undefined"], overall["median"]) == (3, 1, 1.0)
    assert overall["mean"] == pytest.approx(2 / 3)
    # Of three questions drawn with replacement all are "b" with 1/27 and none is with 8/27: both ends are reached.
    assert (overall["low"], overall["high"]) == (0.0, 1.0)
    assert first["m", "Go"]["mean"] == 0 and first["m", "Python"]["undefined"] == 1
    assert (first[reranking.RANDOM, OVERALL]["mean"], first[reranking.ORACLE, OVERALL]["mean"]) == (0.5, 1.0)
    none = summary.filter(
        pl.col("model") == reranking.ORACLE, pl.col("measure") == "kendall", pl.col("group") == OVERALL
    )
    assert none.select("questions", "undefined", "mean", "low").row(0) == (0, 4, None, None)


def test_curves_lie_between_chance_and_oracle():
    data = frame(
        rows("m", "a", [4.0, 3.0, 2.0, 1.0], [F, T, F, T]), rows("m", "b", [1.0, 2.0, 3.0], [T, F, None]),
        rows("m", "b", [1.0, 2.0], [F, F], language="Go"),
    )  # fmt: skip
    curves = {
        (model, n): mean for model, n, mean in reranking.curves(data, resamples=200).select("model", "n", "mean").rows()
    }
    share = [2 / 4, 1 / 2, 0]
    missed = {
        n: [math.comb(2, n) / math.comb(4, n), math.comb(1, min(n, 2)) / math.comb(2, min(n, 2)), 1]
        for n in range(1, 5)
    }
    for n in range(1, 5):
        assert curves[reranking.RANDOM, n] == pytest.approx(np.mean(share))
        assert curves[reranking.ORACLE, n] == pytest.approx(1 - np.mean(missed[n]))
    assert curves["m", 1] == pytest.approx(np.mean(share))
    assert curves["m", 4] == 0  # each question counts with all it has: the highest scores fail


def test_neither_the_order_of_rows_nor_a_second_run_changes_a_number():
    generator = np.random.default_rng(3)
    data = frame(
        *(
            rows(
                "m",
                f"q{at}",
                [float(s) for s in generator.integers(0, 3, 5)],
                list(map(bool, generator.integers(0, 2, 5))),
            )
            for at in range(6)
        )
    )
    shuffled = data.sample(fraction=1, shuffle=True, seed=1)
    keys = ["model", "group", "measure"]
    first, again = (
        reranking.summary(reranking.questions(one).sort("model", "question"), 5, 300).sort(keys)
        for one in (data, shuffled)
    )
    assert first.equals(again)


def test_models_of_other_candidates_are_refused(tmp_path):
    whole, part = rows("m", "a", [2.0, 1.0], [T, F]), rows("n", "a", [2.0, 1.0], [T, F])[:1]
    for parts, words in (((whole, part), "n and m cover different candidates"), ((), "holds no scores")):
        path = tmp_path / "rerank.parquet"
        records.write(frame(*parts).to_arrow(), path, "rerank")
        with pytest.raises(Problem, match=words):
            reranking.read_rewards(path)
    records.write(frame(whole).to_arrow(), path, "rerank")
    assert reranking.read_rewards(path).height == 2


def test_the_answer_and_the_table_name_the_best_model():
    data = frame(
        *(rows("good", f"q{at}", [2.0, 1.0, 0.0], [T, F, F]) for at in range(4)),
        *(rows("bad", f"q{at}", [0.0, 1.0, 2.0], [T, F, F]) for at in range(4)),
    )
    table = reranking.questions(data)
    summary = reranking.summary(table, resamples=200)
    said = reranking.answer(table, summary)
    assert said == (
        "4 questions, 12 candidates, of which 4 pass: good ranks one that passes first in 100.0% [100.0%, 100.0%] of the 4 "
        "questions where some pass and others do not, +66.7 [+66.7, +66.7] points beside a random order (33.3%)."
    )
    shown = {row["Model"]: row for row in reranking.shown(summary).to_dicts()}
    assert shown["good"]["Hits@1"] == "100.0 [100.0, 100.0]" and shown["bad"]["Hits@1"] == "0.0 [0.0, 0.0]"
    assert shown["good"]["Spearman"].startswith("0.866") and shown["oracle"]["Spearman"] == ""
    nothing = frame(rows("m", "a", [2.0, 1.0], [F, F]))
    table = reranking.questions(nothing)
    assert "no order is better" in reranking.answer(table, reranking.summary(table, resamples=200))
