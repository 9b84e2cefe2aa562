"""A judge's liking for a position cancels out, and what it has no answer for is missing."""

from __future__ import annotations

import pytest

from themis.generation import Completion
from themis.prompting.criteria import CRITERION_TEXTS
from themis.score.families import scorer_for
from themis.score.judge import JudgeScorer
from themis.vocabulary import CODE_CRITERIA


class Scripted:
    """A generator that answers by a function of the request, last one first."""

    fingerprint = "scripted"

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    def generate(self, requests):
        self.seen = list(requests)
        for request in reversed(self.seen):
            answer = self.answer(request)
            known = {"missing_reason": answer} if isinstance(answer, str) else {"probabilities": answer}
            yield Completion(request.key, **known)


def test_a_judge_of_positions_ties_and_a_judge_of_contents_does_not(pairs):
    biased = JudgeScorer(Scripted(lambda request: (0.7, 0.2, 0.1)), "criterion")
    assert {score.outcome for _, score in biased.score(pairs)} == {"tie"}

    def fond_of_a_and_of_comments(request):
        user = request.user
        better_first = user.index("# a") < user.index("B:") if "# a" in user else False
        return (0.6, 0.3, 0.1) if better_first else (0.5, 0.45, 0.05)

    commented = [pair for pair in pairs if "# a" in pair.chosen]
    for _, score in JudgeScorer(Scripted(fond_of_a_and_of_comments), "criterion").score(commented):
        assert score.outcome == "win"
        assert score.chosen == pytest.approx((0.6 + 0.45) / 2)
        assert score.rejected == pytest.approx((0.3 + 0.5) / 2)


def test_both_responses_are_shown_first_once_and_the_criterion_follows_the_mode(pairs):
    for mode, named in (
        ("none", lambda pair: set()),
        ("criterion", lambda pair: {pair.criterion}),
        ("all", lambda pair: set(CODE_CRITERIA)),
    ):
        generator = Scripted(lambda request: (0.5, 0.3, 0.2))
        assert len(dict(JudgeScorer(generator, mode).score(pairs))) == len(pairs)
        assert len({request.key for request in generator.seen}) == 2 * len(pairs)
        for index, pair in enumerate(pairs):
            both = generator.seen[2 * index : 2 * index + 2]
            places = [request.user.rindex(pair.chosen) < request.user.rindex(pair.rejected) for request in both]
            if pair.rejected not in pair.chosen:
                assert sorted(places) == [False, True]
            for request in both:
                text = f"{request.system}\n{request.user}"
                assert {c for c in CODE_CRITERIA if CRITERION_TEXTS[c] in text} == named(pair)


def test_one_order_without_an_answer_is_missing(pairs):
    def answer(request):
        return (
            "prompt too long" if request.key.startswith("row04") and "chosen first" in request.key else (0.5, 0.4, 0.1)
        )

    results = dict(JudgeScorer(Scripted(answer), "none").score(pairs))
    missing = {row: score for row, score in results.items() if score.missing_reason}
    assert {row: score.missing_reason for row, score in missing.items()} == {"row04": "prompt too long"}
    assert missing["row04"].chosen is None


def test_a_language_model_judges(make_folder, pairs):
    scorer = scorer_for(
        "judge", name="j", checkpoint=make_folder(causal=True), prompt_mode="criterion", max_tokens=2048,
        batch_tokens=1024, dtype="float32", threads=1, seed=1, cache=None,
    )  # fmt: skip
    results = dict(scorer.score(pairs))
    assert len(results) == len(pairs)
    assert all(0 < score.chosen < 1 and 0 < score.rejected < 1 for score in results.values())
    assert all(score.chosen + score.rejected < 1 for score in results.values()), "what is left is the tie's"
