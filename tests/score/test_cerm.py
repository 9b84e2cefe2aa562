"""Two turns: criteria are made once for a pair, a boxed zero is a score, and every failure says what it is."""

from __future__ import annotations

import pytest

from tests.score.scripted import Scripted
from themis.errors import Problem
from themis.generation.cache import CachedGenerator
from themis.prompting.criteria import CRITERION_TEXTS
from themis.score.generative.cerm import TwoTurnScorer
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA, Criterion

PAIR = Pair("one", "sort a list", "GOOD", "BAD", Criterion.READABILITY_MAINTAINABILITY)


def model(good, bad="\\boxed{3}", criteria="1. It sorts."):
    """Answers the first turn with criteria, the second by which response it shows."""

    def answer(request):
        if not request.turns:
            return criteria
        return good if "GOOD" in request.turns[-1][1] else bad

    return Scripted(answer)


def scored(generator, pairs=(PAIR,), **settings):
    return dict(TwoTurnScorer(generator, "criterion", **settings).score(pairs))


def test_criteria_are_made_once_for_a_pair_and_both_responses_are_judged_by_them():
    generator = model("\\boxed{8}", criteria="<think>hm</think>\n1. It sorts.\n")
    assert scored(generator)["one"].chosen == 8
    first, *second = generator.asked
    assert not first.turns
    assert "sort a list" in first.user
    assert "GOOD" not in first.user + first.system
    assert "BAD" not in first.user + first.system
    assert len(second) == 2
    for request in second:
        assert (request.system, request.user) == (first.system, first.user)
        assert request.turns[0] == ("assistant", "1. It sorts.")
        assert request.turns[1][0] == "user"
    assert ["GOOD" in request.turns[1][1] for request in second] != ["BAD" in request.turns[1][1] for request in second]
    assert {request.temperature for request in generator.asked} == {0}


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("\\boxed{7}", 7),
        ("It sorts.\n\\boxed{7.5}\n", 7.5),
        ("$\\boxed{ 10 }$", 10),
        ("\\boxed{0}", 0),
        ("\\boxed{0.0}", 0),
        ("\\boxed{0.5}", 0.5),
        ("First \\boxed{2}, on second thoughts \\boxed{9}", 9),
        ("\\boxed {6/10}", 6),
        ("\\boxed{\\text{6}}", 6),
        ("<think>\\boxed{1}</think>\\boxed{4}", 4),
        ("A \\boxed{good} one: \\boxed{5}, \\boxed{}", 5),
        ({"text": "\\boxed{7} and then it goes on and", "finish_reason": "length"}, 7),
    ],
)
def test_the_last_boxed_number_is_the_score(reply, score):
    result = scored(model(reply))["one"]
    assert (result.chosen, result.rejected, result.missing_reason) == (score, 3, None)
    assert result.outcome == ("win" if score > 3 else "loss")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Very good.", "no score"),
        ("7", "no score"),
        ("\\boxed{seven}", "no score"),
        ("\\boxed{}", "no score"),
        ("", "no score"),
        ("\\boxed{10.5}", "score out of range"),
        ("\\boxed{562754405}", "score out of range"),
        ("\\boxed{-1}", "score out of range"),
        ("\\boxed{7.3}", "score off the scale"),
        ({"text": "It sorts, and \\boxed{7", "finish_reason": "length"}, "cut off"),
        ({"text": "<think>It sorts \\boxed{7}", "finish_reason": "length"}, "unfinished thought"),
        ({"missing_reason": "prompt too long", "finish_reason": None}, "prompt too long"),
        ({"missing_reason": "content filter", "finish_reason": "content_filter"}, "content filter"),
        (None, "engine failed"),
    ],
)
def test_a_failure_is_missing_for_its_own_reason_and_never_a_zero(reply, why):
    for generator in (model(reply), model("\\boxed{0}", reply)):
        result = scored(generator)["one"]
        assert (result.chosen, result.rejected, result.missing_reason) == (None, None, why)
        assert result.outcome == "missing"


@pytest.mark.parametrize(
    ("criteria", "why"),
    [
        (" \n", "no criteria"),
        ({"text": "1. It", "finish_reason": "length"}, "criteria cut off"),
        ("<think>1. It", "unfinished thought"),
        (None, "engine failed"),
    ],
)
def test_without_criteria_nothing_is_judged(criteria, why):
    generator = model("\\boxed{8}", criteria=criteria)
    result = scored(generator)["one"]
    assert (result.chosen, result.missing_reason) == (None, why)
    assert len(generator.asked) == 1


def test_two_zeros_tie_and_equal_responses_are_judged_once():
    assert scored(model("\\boxed{0}", "\\boxed{0}"))["one"].outcome == "tie"
    generator = model("\\boxed{8}")
    result = scored(generator, [Pair("one", "sort a list", "GOOD", "GOOD", PAIR.criterion)])["one"]
    assert (result.chosen, result.outcome) == (8, "tie")
    assert len(generator.asked) == 2


def number_of(request):
    """A score that follows from the texts alone."""
    if not request.turns:
        return f"1. {len(request.user)}"
    return f"\\boxed{{{(len(request.turns[0][1]) + len(request.turns[1][1])) % 21 / 2:g}}}"


def test_neither_the_order_of_pairs_nor_that_of_answers_matters(pairs):
    plain = scored(Scripted(number_of), pairs)
    assert len(plain) == len(pairs)
    assert scored(Scripted(number_of, forwards=True), pairs[::-1]) == plain
    for pair in pairs:
        assert scored(Scripted(number_of), [pair]) == {pair.id: plain[pair.id]}


@pytest.mark.parametrize("dies_after", [0, 4, 9, 15])
def test_a_stopped_run_asks_for_nothing_twice(pairs, tmp_path, dies_after):
    plain = scored(Scripted(number_of), pairs)
    cache = tmp_path / "answers.jsonl"
    first, second = Scripted(number_of, dies_after=dies_after), Scripted(number_of)
    with pytest.raises(KeyboardInterrupt):
        scored(CachedGenerator(first, cache), pairs)
    assert scored(CachedGenerator(second, cache), pairs) == plain
    asked = [(request.user, request.turns) for request in [*first.asked, *second.asked]]
    assert len(asked) == len(set(asked))
    third = Scripted(number_of)
    assert scored(CachedGenerator(third, cache), pairs) == plain
    assert not third.asked


def test_criteria_follow_the_prompt_mode(pairs):
    for mode, named in (("none", ()), ("all", CODE_CRITERIA), ("criterion", None)):
        generator = Scripted(number_of)
        dict(TwoTurnScorer(generator, mode).score(pairs))
        of = {pair.id: pair.criterion for pair in pairs}
        for request in generator.asked:
            shown = {criterion for criterion in CODE_CRITERIA if CRITERION_TEXTS[criterion] in request.user}
            assert shown == set((of[request.key.split("\x1f")[0]],) if named is None else named)


def test_where_requests_wait_in_files_the_second_turn_waits_for_the_first(pairs):
    class Files(Scripted):
        def finish(self):
            raise Problem("9 requests wait")

    generator = Files(lambda request: {"missing_reason": "waits in a batch file", "finish_reason": None})
    with pytest.raises(Problem, match="9 requests wait"):
        scored(generator, pairs)
    assert not any(request.turns for request in generator.asked)
