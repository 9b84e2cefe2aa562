"""A unit test's grade: JSON or a bare number from 1 to 5, and nothing else is one."""

from __future__ import annotations

import pytest

from tests.score.scripted import Scripted
from themis.generation.cache import CachedGenerator
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.templates import shown
from themis.score.generative.lmunit import unit_test_scorer
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA, Criterion

PAIR = Pair("one", "sort a list", "GOOD", "BAD", Criterion.SECURITY_HARDNESS)


def scored(good, bad='{"score": 3}'):
    generator = Scripted(lambda request: good if "GOOD" in request.user else bad)
    return dict(unit_test_scorer(generator, "criterion").score([PAIR]))["one"]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"score": 4}', 4),
        ('{"score": 4.5}', 4.5),
        ('{"score": "5"}', 5),
        ("{'Score' : 1}", 1),
        ('```json\n{"reason": "2 faults", "score": 4}\n```', 4),
        ('{"score": 4}\n{"score": 1}', 4),
        ('{"score": 4/5}', 4),
        ("4", 4),
        ("Grade: 2.", 2),
        ("3.5", 3.5),
        ("4/5", 4),
        ("Of 10 points, 2", 2),
        ("<think>1</think>5", 5),
        ({"text": '{"score": 4} It is', "finish_reason": "length"}, 4),
        ({"text": '{"score": 4}', "finish_reason": "length"}, 4),
        ({"text": "4\nThe response is", "finish_reason": "length"}, 4),
    ],
)
def test_every_form_of_a_grade_is_read(reply, score):
    result = scored(reply)
    assert (result.chosen, result.rejected, result.missing_reason) == (score, 3, None)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("It passes.", "no score"),
        ("", "no score"),
        ('{"score": null}', "no score"),
        ('{"score": <1 to 5>}', "no score"),
        ("v5 and utf8 and 3x", "no score"),
        ('{"score": 0}', "score out of range"),
        ('{"score": 6} or 4', "score out of range"),
        ('{"score": -3}', "score out of range"),
        ("0", "score out of range"),
        ("100%, that is 7", "score out of range"),
        ({"text": "The response has 3 of", "finish_reason": "length"}, "cut off"),
        ({"text": "4", "finish_reason": "length"}, "cut off"),
        ({"text": "4.", "finish_reason": "length"}, "cut off"),
        ({"text": '{"score": 4', "finish_reason": "length"}, "cut off"),
        ({"text": '{"score":', "finish_reason": "length"}, "cut off"),
        ({"text": "<think>4", "finish_reason": "length"}, "unfinished thought"),
        ({"missing_reason": "prompt too long", "finish_reason": None}, "prompt too long"),
        (None, "engine failed"),
    ],
)
def test_a_failure_is_missing_for_its_own_reason(reply, why):
    for both in ((reply,), ('{"score": 4}', reply)):
        result = scored(*both)
        assert (result.chosen, result.rejected, result.missing_reason) == (None, None, why)


def test_query_and_response_are_shown_whole_and_the_unit_test_follows_the_mode(pairs):
    for mode, named in (
        ("none", lambda pair: set()),
        ("criterion", lambda pair: {pair.criterion}),
        ("all", lambda pair: set(CODE_CRITERIA)),
    ):
        generator = Scripted(lambda request: "4")
        dict(unit_test_scorer(generator, mode).score(pairs))
        of = {pair.id: pair for pair in pairs}
        for request in generator.asked:
            row, side = request.key.split("\x1f")
            assert shown(request.user) == [of[row].prompt, getattr(of[row], side)]
            test = request.user[request.user.index("Unit Test:") :]
            assert {c for c in CODE_CRITERIA if CRITERION_TEXTS[c] in test} == named(of[row])


def test_order_does_not_matter_and_a_stopped_run_asks_for_nothing_twice(pairs, tmp_path):
    def answer(request):
        return f'{{"score": {len(shown(request.user)[1]) % 5 + 1}}}'

    def run(generator, rows):
        return dict(unit_test_scorer(generator, "criterion").score(rows))

    plain = run(Scripted(answer), pairs)
    assert len(plain) == len(pairs)
    assert run(Scripted(answer, forwards=True), pairs[::-1]) == plain
    first, second = Scripted(answer, dies_after=5), Scripted(answer)
    with pytest.raises(KeyboardInterrupt):
        run(CachedGenerator(first, tmp_path / "answers.jsonl"), pairs)
    assert run(CachedGenerator(second, tmp_path / "answers.jsonl"), pairs) == plain
    asked = [request.user for request in [*first.asked, *second.asked]]
    assert len(asked) == len(set(asked)) == 2 * len(pairs)
