"""A vote or a rating is read from probabilities as what they expect, from a text as what it says, and never guessed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.generation import Completion
from themis.prompting.judging import Verdict, judge_request, read_verdict
from themis.prompting.reviewing import read_rating, review_request
from themis.vocabulary import Criterion

REVIEW = review_request(
    "k", criterion=Criterion.SECURITY_HARDNESS, subject="s", change="+x", language="Go", instruction="do", answer="text"
)
JUDGE = judge_request("k", [Criterion.SECURITY_HARDNESS], None, "one", "two", answer="text", max_new_tokens=9, seed=3)


def reply(request, content):
    opening, closing = re.findall(r"\[/?[A-Z]+ \d+\]", request.user)[-2:]
    return Completion("k", text=f"Hm.\n{opening} {content} {closing}", finish_reason="stop")


@pytest.mark.parametrize("written", ["4", " 4\n", "**4**", "`4`", '"4"', "4.", "4/5", "4 / 5"])
def test_a_rating_is_a_whole_number_of_the_scale(written):
    assert read_rating(reply(REVIEW, written), REVIEW).value == 4


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "6",
        "10",
        "44",
        "-4",
        "4.5",
        "4,5",
        "4-5",
        "1-5",
        "4 or 5",
        "4/10",
        "5/4",
        "four",
        "IV",
        "4 stars",
        "٤",
        "４",
        "४",
        "④",
        "",
    ],
)
def test_anything_else_is_no_rating(written):
    assert read_rating(reply(REVIEW, written), REVIEW).why == "not a rating"


@given(st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
def test_digits_give_the_rating_that_they_expect(weights):
    chances = tuple(weight / sum(weights) for weight in weights)
    reading = read_rating(Completion("k", probabilities=chances))
    assert reading.value == pytest.approx(1 + sum(sum(chances[level:]) for level in range(1, 5)))
    assert reading.probabilities == chances


@pytest.mark.parametrize(
    ("written", "vote"), [("A", "A"), ("b", "B"), ("**TIE**", "TIE"), ("tie.", "TIE"), (" A\n", "A")]
)
def test_a_vote_in_a_text_has_all_the_probability(written, vote):
    verdict = read_verdict(reply(JUDGE, written), JUDGE)
    assert verdict == Verdict(vote, *(float(vote == each) for each in ("A", "B", "TIE")))


@pytest.mark.parametrize(
    "written", ["A | B | TIE", "A or B", "AB", "T", "A B", "neither", "C", "А", "Ａ", "", "the first"]
)
def test_anything_else_is_no_vote(written):
    verdict = read_verdict(reply(JUDGE, written), JUDGE)
    assert (verdict.vote, verdict.why) == (None, "not a vote")


def test_no_answer_is_no_vote_and_no_rating():
    missing = Completion("k", missing_reason="prompt too long")
    assert read_verdict(missing).why == read_rating(missing).why == "prompt too long"
    assert read_verdict(Completion("k")).why == read_rating(Completion("k")).why == "no answer"
    with pytest.raises(ValueError, match="with the request"):
        read_verdict(Completion("k", text="A"))


def test_what_is_asked_for_is_what_the_request_says():
    assert (JUDGE.options, JUDGE.max_new_tokens, JUDGE.seed) == ((), 9, 3)
    options = judge_request("k", [], None, "one", "two", max_new_tokens=9, seed=3)
    assert (options.options, options.max_new_tokens, options.seed) == (("A", "B", "T"), 0, 0)
