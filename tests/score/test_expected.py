"""The expected score is the mean a hand computes from the probabilities told, and ends the ties of whole numbers."""

from __future__ import annotations

import pytest

from tests.score.scripted import Scripted, spelt
from themis.generation import Completion
from themis.prompting.rubrics import read_grade
from themis.prompting.two_turns import read_evaluation
from themis.prompting.unit_tests import read_unit_test
from themis.score.families import FAMILIES, scorer_for
from themis.score.generative.cerm import TwoTurnScorer
from themis.score.generative.lmunit import unit_test_scorer
from themis.score.generative.r3 import rubric_scorer

JSON = ('{"', "score", '":')


def read(reader, pieces, **fields):
    return reader(Completion("k", **{"finish_reason": "stop", **spelt(pieces, **fields)}), expected=True)


@pytest.mark.parametrize("reader", [read_unit_test, read_grade])
@pytest.mark.parametrize(
    ("place", "mean"),
    [
        ([" ", {"4": 0.5, "5": 0.3, "3": 0.2}], 0.5 * 4 + 0.3 * 5 + 0.2 * 3),
        ([{" 4": 0.5, " 5": 0.25, "4": 0.25}], 0.75 * 4 + 0.25 * 5),
        ([{"▁4": 0.5, "▁2": 0.5}], 3),
        ([" ", {"4": 0.4, "x": 0.3, "9": 0.1, '"': 0.1, "1": 0.1}], (0.4 * 4 + 0.1 * 1) / 0.5),
        ([" ", {"4": 0.8, "2": 0.2}, {"}": 0.5, ".": 0.5}], 0.8 * 4 + 0.2 * 2),
        ([" ", {"4": 0.8, "2": 0.2}, {".": 0.5, "}": 0.5}, {"5": 0.9, "0": 0.1}],
         0.2 * 2 + 0.8 * (0.5 * 4 + 0.5 * (0.9 * 4.5 + 0.1 * 4))),
        ([" ", {"1": 0.6, "3": 0.4}, {"}": 0.5, "0": 0.5}], (0.6 * 0.5 * 1 + 0.4 * 3) / (0.3 + 0.4)),
        ([" ", "4"], 4),
    ],
)  # fmt: skip
def test_the_mean_over_the_grades_that_might_have_been_written(reader, place, mean):
    closing = [] if any("}" in piece for piece in place[2:]) else ["}"]
    assert read(reader, [*JSON, *place, *closing]).value == pytest.approx(mean, abs=1e-12)


def test_a_score_of_several_tokens_is_followed_along_what_was_written():
    halves = ["\\boxed", "{", {"7": 0.5, "6": 0.3, "1": 0.2}, {".": 0.6, "}": 0.4}, {"5": 1.0}, "}"]
    mean = 0.3 * 6 + 0.2 * 1 + 0.5 * (0.6 * 7.5 + 0.4 * 7)
    assert read(read_evaluation, halves).value == pytest.approx(mean, abs=1e-12)
    ten = ["\\boxed", "{", {"1": 0.7, "9": 0.3}, {"0": 0.8, "}": 0.1, "2": 0.1}, "}"]
    mean = (0.7 * 0.8 * 10 + 0.7 * 0.1 * 1 + 0.3 * 9) / (0.56 + 0.07 + 0.3)
    assert read(read_evaluation, ten).value == pytest.approx(mean, abs=1e-12)
    whole = ["\\boxed", "{", {"10": 0.6, "9": 0.2, "0": 0.2}, "}"]
    assert read(read_evaluation, whole).value == pytest.approx(0.6 * 10 + 0.2 * 9, abs=1e-12)


def test_the_score_that_is_read_is_the_one_that_is_weighed():
    twice = [*JSON, " ", {"1": 0.9, "2": 0.1}, "} ", *JSON, " ", {"5": 0.5, "4": 0.5}, "}"]
    assert read(read_unit_test, twice).value == pytest.approx(1.1)
    assert read(read_grade, twice).value == pytest.approx(4.5)
    thought = ["<think>", *JSON, " ", {"1": 0.9, "2": 0.1}, "}", "</think>", *JSON, {"5": 0.5, "4": 0.5}, "}"]
    assert read(read_grade, thought).value == pytest.approx(4.5)


def test_a_character_that_tokens_share_does_not_shift_the_place():
    fields = spelt(["\ufffd", "\ufffd", *JSON, " ", {"4": 0.5, "5": 0.5}, "}"])
    fields["text"] = fields["text"].replace("\ufffd\ufffd", "é")
    completion = Completion("k", finish_reason="stop", **fields)
    assert read_unit_test(completion, expected=True).value == pytest.approx(4.5)


@pytest.mark.parametrize("reader", [read_unit_test, read_grade])
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"text": '{"score": 4}'}, "no log-probabilities"),
        ({**spelt([*JSON, " ", "4", "}"]), "tokens": ()}, "no log-probabilities"),
        ({**spelt([*JSON, " ", "5", "}"]), "text": '{"score": 4}'}, "score not in its tokens"),
        ({**spelt(["It", " is"]), "text": '{"score": 4}'}, "score not in its tokens"),
        (spelt([*JSON, '"4', '"}']), "score not in its tokens"),
        (spelt([*JSON, " ", {"9": 0.6, "4": 0.4}, "}"]), "score out of range"),
        (spelt(["It ", "passes"]), "no score"),
        (spelt([*JSON, " ", {"4": 0.6, "5": 0.4}], finish_reason="length"), "cut off"),
    ],
)
def test_what_cannot_be_weighed_is_missing_for_its_own_reason(reader, fields, why):
    completion = Completion("k", **{"finish_reason": "stop", **fields})
    reading = reader(completion, expected=True)
    assert (reading.value, reading.why) == (None, why)


def test_a_back_end_that_tells_no_alternatives_told_no_log_probabilities():
    fields = spelt([*JSON, " ", "4", "}"])
    bare = tuple(type(token)(token.text, token.logprob) for token in fields["tokens"])
    reading = read_unit_test(Completion("k", text=fields["text"], finish_reason="stop", tokens=bare), expected=True)
    assert reading.why == "no log-probabilities"


def test_whole_numbers_tie_and_their_expected_values_do_not(pairs):
    different = [pair for pair in pairs if len(pair.chosen) != len(pair.rejected)]
    assert len(different) > 5

    def answer(request):
        if "Write the criteria" in request.user and not request.turns:
            return "1. It is short."
        sure = 1 / (1 + len(request.turns[1][1] if request.turns else request.user))
        weighed = {"4": 0.9 - sure, "5": 0.1 + sure}
        return spelt(["\\boxed", "{", weighed, "}"] if request.turns else [*JSON, weighed, "}"])

    for make in (
        lambda expected: unit_test_scorer(Scripted(answer), "criterion", expected=expected),
        lambda expected: rubric_scorer(Scripted(answer), "criterion", seed=1, expected=expected),
        lambda expected: TwoTurnScorer(Scripted(answer), "criterion", expected=expected),
    ):
        whole, means = (dict(make(expected).score(different)) for expected in (False, True))
        assert {score.outcome for score in whole.values()} == {"tie"}
        for pair in different:
            assert means[pair.id].outcome == ("win" if len(pair.chosen) < len(pair.rejected) else "loss")


@pytest.mark.parametrize("scoring", ["parsed", "expected"])
@pytest.mark.parametrize("family", ["cerm", "genrm", "lmunit", "r3", "judge"])
def test_a_language_model_gives_every_pair_a_score_or_a_reason(make_folder, pairs, family, scoring):
    scorer = scorer_for(
        family, name="g", checkpoint=make_folder(causal=True), prompt_mode="criterion", max_tokens=2048,
        batch_tokens=4096, dtype="float32", threads=1, seed=1, cache=None, scoring=scoring, reply_tokens=4,
    )  # fmt: skip
    results = dict(scorer.score(pairs[:3]))
    assert set(results) == {pair.id for pair in pairs[:3]}
    for result in results.values():
        assert (result.chosen is None) == (result.missing_reason is not None)
        if family != "judge" or scoring == "parsed":  # a random model of bytes writes nothing in four of them
            assert result.missing_reason in ("cut off", "criteria cut off", "no score", "no verdict", "no answer")


def test_a_scoring_that_does_not_exist_is_refused(make_folder):
    from themis.errors import Problem

    folder = make_folder(causal=True)
    for family in ("cerm", "genrm", "lmunit", "r3", "judge"):
        assert family in FAMILIES
        with pytest.raises(Problem, match="scoring sampled is neither parsed nor expected"):
            scorer_for(
                family, name="g", checkpoint=folder, prompt_mode="none", max_tokens=64, batch_tokens=64,
                dtype="float32", threads=1, seed=1, cache=None, scoring="sampled",
            )  # fmt: skip
