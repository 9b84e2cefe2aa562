"""A principle's verdict: the log-odds of its two words where it was written, or the reason why there are none."""

from __future__ import annotations

import math

import pytest

from tests.score.scripted import Scripted, spelt
from themis.prompting.chat import Chat
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.principles import FLOOR
from themis.score.generative.genrm import principle_scorer
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA, Criterion

PAIR = Pair("one", "sort a list", "GOOD", "BAD", Criterion.SECURITY_HARDNESS)
BAD = spelt([{"No": 0.6, "Yes": 0.3}])


def scored(good, bad=BAD, *, pair=PAIR, **settings):
    generator = Scripted(lambda request: good if request.turns[0][1] == "GOOD" else bad)
    return dict(principle_scorer(generator, "criterion", **settings).score([pair]))["one"]


def test_the_response_is_the_assistants_and_the_principle_has_a_role_of_its_own(pairs):
    for mode, named in (
        ("none", lambda pair: set()),
        ("criterion", lambda pair: {pair.criterion}),
        ("all", lambda pair: set(CODE_CRITERIA)),
    ):
        generator = Scripted(lambda request: BAD)
        dict(principle_scorer(generator, mode).score(pairs))
        of = {pair.id: pair for pair in pairs}
        for request in generator.asked:
            row, side = request.key.split("\x1f")
            assert request.system is None
            assert request.user == of[row].prompt
            assert request.turns[0] == ("assistant", getattr(of[row], side))
            role, text = request.turns[1]
            assert role == "principle"
            assert {c for c in CODE_CRITERIA if CRITERION_TEXTS[c] in text} == named(of[row])
            assert request.logprobs >= 2


@pytest.mark.parametrize(
    ("reply", "yes", "no"),
    [
        (spelt([{"Yes": 0.7, "No": 0.2, "Maybe": 0.1}]), 0.7, 0.2),
        (spelt([{"No": 0.6, "Yes": 0.3}]), 0.3, 0.6),
        (spelt(["It ", "holds", ":", {" Yes": 0.5, " No": 0.25}]), 0.5, 0.25),
        (spelt(["No", ", it", " is ", {"yes": 0.5, "no": 0.25}, ".", "\n"]), 0.5, 0.25),
        (spelt([{" Yes": 0.4, "Yes": 0.1, " No": 0.2, "no": 0.05, "NO": 0.05}]), 0.5, 0.3),
        (spelt([{"▁Yes": 0.5, "▁No": 0.4}]), 0.5, 0.4),
        (spelt(["<think>", "no", "</think>", "\n\n", {"Yes": 0.9, "No": 0.01}]), 0.9, 0.01),
        (spelt([{"Yes": 0.5, "No": 0.3}], finish_reason="length"), 0.5, 0.3),
    ],
)
def test_the_reward_is_the_log_odds_where_the_verdict_was_written(reply, yes, no):
    result = scored(reply)
    assert result.chosen == pytest.approx(math.log(yes) - math.log(no), abs=1e-12)
    assert result.rejected == pytest.approx(math.log(0.3) - math.log(0.6), abs=1e-12)
    share = scored(reply, expected=True)
    assert share.chosen == pytest.approx(yes / (yes + no), abs=1e-12)
    assert share.rejected == pytest.approx(0.3 / 0.9, abs=1e-12)
    assert share.outcome == result.outcome


def test_even_odds_are_a_score_of_zero_and_no_failure():
    even = spelt([{"Yes": 0.5, "No": 0.5}])
    result = scored(even, even)
    assert (result.chosen, result.rejected, result.outcome) == (0, 0, "tie")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (spelt([{"Yes": 0.7, "Maybe": 0.2}]), "no log-probability of No"),
        (spelt(["So ", {"No": 0.7, "Maybe": 0.2}]), "no log-probability of Yes"),
        (spelt(["Perhaps"]), "no verdict"),
        (spelt([{"Yes": 0.5, "No": 0.4}, " and", " no", "body"]), "no verdict"),
        (spelt([]), "no verdict"),
        (spelt(["It ", "holds"], finish_reason="length"), "cut off"),
        (spelt(["It", " is", {" no": 0.5, " yes": 0.4}], finish_reason="length"), "cut off"),
        (spelt(["<think>", {"Yes": 0.5, "No": 0.4}]), "unfinished thought"),
        ("Yes", "no log-probabilities"),
        ({"missing_reason": "prompt too long", "finish_reason": None}, "prompt too long"),
        (None, "engine failed"),
    ],
)
@pytest.mark.parametrize("expected", [False, True])
def test_a_failure_is_missing_for_its_own_reason(reply, why, expected):
    for both in ((reply, BAD), (BAD, reply)):
        result = scored(*both, expected=expected)
        assert (result.chosen, result.rejected, result.missing_reason) == (None, None, why)


def test_the_published_floor_stands_in_for_a_word_that_is_not_told_only_where_it_is_given():
    reply = spelt([{"Yes": 0.7, "Maybe": 0.2}])
    assert scored(reply, floor=FLOOR).chosen == pytest.approx(math.log(0.7) + 50)
    assert scored(reply).chosen is None
    assert scored(spelt(["Perhaps"]), floor=FLOOR).missing_reason == "no verdict"


def test_neither_the_order_of_pairs_nor_that_of_answers_matters(pairs):
    def answer(request):
        yes = 0.1 + len(request.turns[0][1]) % 7 / 10
        return spelt([{"Yes": yes, "No": 0.95 - yes}])

    plain = dict(principle_scorer(Scripted(answer), "criterion").score(pairs))
    assert len(plain) == len(pairs)
    other = principle_scorer(Scripted(answer, forwards=True), "criterion")
    assert dict(other.score(pairs[::-1])) == plain
    assert len({score.chosen for score in plain.values()}) > 3


def test_a_template_without_the_role_shows_the_principle_as_the_users(tokenizer):
    turns = (("assistant", "GOOD"), ("principle", "Is it safe?"))

    def shown(template):
        tokenizer.chat_template = template
        return tokenizer.decode(Chat(tokenizer).prompt(None, "sort a list", turns))

    whole = tokenizer.chat_template
    silent = whole.replace("<|im_start|>{{", "{% if m['role'] != 'principle' %}<|im_start|>{{").replace(
        "<|im_end|>\n", "<|im_end|>\n{% endif %}", 1
    )
    strict = "{% for m in messages if m['role'] == 'principle' %}{{ raise_exception('no') }}{% endfor %}" + whole
    try:
        own, left_out, refused = shown(whole), shown(silent), shown(strict)
    finally:
        tokenizer.chat_template = whole
    assert "<|im_start|>principle\nIs it safe?<|im_end|>" in own
    assert own.endswith("<|im_start|>assistant\n")
    for text in (left_out, refused):
        assert text == own.replace("<|im_start|>principle", "<|im_start|>user")
