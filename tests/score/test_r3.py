"""A rubric's grade after a thought: every form it takes is read, and a number that is no grade never is."""

from __future__ import annotations

import pytest

from tests.score.scripted import Scripted
from themis.generation.cache import CachedGenerator
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.templates import shown
from themis.score.generative.r3 import rubric_scorer
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA, Criterion

PAIR = Pair("one", "sort a list", "GOOD", "BAD", Criterion.SECURITY_HARDNESS)


def scored(good, bad='{"score": 3}'):
    generator = Scripted(lambda request: good if "GOOD" in request.user else bad)
    return dict(rubric_scorer(generator, "criterion", seed=1).score([PAIR]))["one"]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('<think>A score of 1?</think>\n{"explanation": "2 faults", "score": 4}', 4),
        ('```json\n{"explanation": "x", "score": 5}\n```', 5),
        ('{"score": "2", "explanation": "of 5"}', 2),
        ('{"explanation": "a } and a {", "score" : 1.5}', 1.5),
        ('{"score": 1} No: {"score": 4}', 4),
        ("{'score': 4}", 4),
        ("It has 3 faults. Score: 2", 2),
        ("**Score:** 4\nIt has 2 faults.", 4),
        ("My final rating is 3, for 5 reasons.", 3),
        ("I give it a score of 4.5 as 1 case fails.", 4.5),
        ("It is a 4/5, with 1 fault.", 4),
        ("It is 3 out of 5; 2 faults.", 3),
        ("It earns a 4 for its 100 lines.", 4),
        ("1, then 2, then 5", 5),
        ({"text": '{"score": 4}\nLet me', "finish_reason": "length"}, 4),
    ],
)
def test_every_form_of_a_grade_is_read(reply, score):
    result = scored(reply)
    assert (result.chosen, result.rejected, result.missing_reason) == (score, 3, None)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("It is fine.", "no score"),
        ("", "no score"),
        ("<think>Score: 4</think>", "no score"),
        ('{"explanation": "3 faults", "score": null}', "no score"),
        ('{"score": 562754405}', "score out of range"),
        ('{"score": 0}', "score out of range"),
        ('{"score": -2}', "score out of range"),
        ("Score: 9. It has 2 faults.", "score out of range"),
        ("It runs in 100 lines, 24 of them tests.", "score out of range"),
        ({"text": "A score of 4 would", "finish_reason": "length"}, "cut off"),
        ({"text": '{"explanation": "3 of', "finish_reason": "length"}, "cut off"),
        ({"text": '{"score": 4', "finish_reason": "length"}, "cut off"),
        ({"text": "<think>It has", "finish_reason": "length"}, "unfinished thought"),
        ({"missing_reason": "prompt too long", "finish_reason": None}, "prompt too long"),
        (None, "engine failed"),
    ],
)
def test_a_failure_is_missing_for_its_own_reason(reply, why):
    for both in ((reply,), ('{"score": 4}', reply)):
        result = scored(*both)
        assert (result.chosen, result.rejected, result.missing_reason) == (None, None, why)


def asked_of(pairs, seed, mode="criterion"):
    generator = Scripted(lambda request: '{"score": 4}')
    dict(rubric_scorer(generator, mode, seed=seed).score(pairs))
    return {request.key: request for request in generator.asked}


def test_replies_are_sampled_with_thoughts_by_a_seed_of_the_pairs_own(pairs):
    asked, again, other = (asked_of(rows, seed) for rows, seed in ((pairs, 1), (pairs[::-1], 1), (pairs, 2)))
    assert asked == again
    assert all(request.thinking for request in asked.values())
    assert {(request.temperature, request.top_p) for request in asked.values()} == {(0.6, 0.95)}
    assert all(asked[key].seed != other[key].seed for key in asked)
    for pair in pairs:
        chosen, rejected = (asked[f"{pair.id}\x1f{side}"] for side in ("chosen", "rejected"))
        assert chosen.seed == rejected.seed
    assert len({request.seed for request in asked.values()}) == len(pairs)


def test_the_request_and_the_response_are_shown_whole_and_the_criteria_follow_the_mode(pairs):
    of = {pair.id: pair for pair in pairs}
    for mode, named in (("none", ()), ("all", CODE_CRITERIA), ("criterion", None)):
        for key, request in asked_of(pairs, 1, mode).items():
            row, side = key.split("\x1f")
            assert shown(request.user) == [of[row].prompt, getattr(of[row], side)]
            told = {criterion for criterion in CODE_CRITERIA if CRITERION_TEXTS[criterion] in request.user}
            assert told == set((of[row].criterion,) if named is None else named)


def test_order_does_not_matter_and_a_stopped_run_asks_for_nothing_twice(pairs, tmp_path):
    def answer(request):
        return f'{{"score": {len(shown(request.user)[1]) % 5 + 1}}}'

    def run(generator, rows):
        return dict(rubric_scorer(generator, "criterion", seed=3).score(rows))

    plain = run(Scripted(answer), pairs)
    assert run(Scripted(answer, forwards=True), pairs[::-1]) == plain
    first, second = Scripted(answer, dies_after=7), Scripted(answer)
    with pytest.raises(KeyboardInterrupt):
        run(CachedGenerator(first, tmp_path / "answers.jsonl"), pairs)
    assert run(CachedGenerator(second, tmp_path / "answers.jsonl"), pairs) == plain
    asked = [request.user for request in [*first.asked, *second.asked]]
    assert len(asked) == len(set(asked)) == 2 * len(pairs)
