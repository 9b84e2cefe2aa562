"""The real small model drives every template end to end: each request gets a reply, each reply a value or a reason."""

from __future__ import annotations

import pytest

from themis.generation.backends import generator_for
from themis.prompting.examples import TEMPLATES, example_request, read_example
from themis.prompting.instructing import instruction_request, read_instruction
from themis.prompting.judging import judge_request, read_verdict
from themis.prompting.replies import REASONS
from themis.prompting.reviewing import read_rating, review_request
from themis.vocabulary import Criterion

NEW = "def total(prices):\n    return sum(prices)\n"
CHANGE = {
    "criterion": Criterion.READABILITY_MAINTAINABILITY,
    "subject": "Use sum",
    "change": "-x\n+y",
    "language": "Python",
}
TOKENS = 12


@pytest.fixture(scope="module")
def completions(smollm2):
    small = instruction_request(
        "small", new=NEW, language="Python", style="course_task", sees="new", max_new_tokens=TOKENS
    )
    weighed = [review_request("digits", **CHANGE), judge_request("options", [], None, NEW, "def total(prices): pass")]
    asked = [*(example_request(template, max_new_tokens=TOKENS) for template in TEMPLATES), small, *weighed]
    found = {completion.key: completion for completion in generator_for(smollm2, threads=1).generate(asked)}
    assert set(found) == {request.key for request in asked}
    return found, small


def test_every_template_gets_a_reply_that_is_read_or_says_why_not(completions):
    found, _ = completions
    for template in TEMPLATES:
        completion = found[template]
        assert completion.text
        assert completion.finish_reason in ("stop", "length")
        reading = read_example(completion, example_request(template))
        value = reading.vote if template == "preference_judge" else reading.value
        assert (value is None) == (reading.why in REASONS)
    assert len({found[template].text for template in TEMPLATES}) == len(TEMPLATES)


def test_what_a_very_small_model_is_asked_for_it_can_give(completions):
    found, small = completions
    assert 1 < read_rating(found["digits"]).value < 5
    verdict = read_verdict(found["options"])
    assert verdict.vote in ("A", "B", "TIE")
    assert verdict.first + verdict.second + verdict.tie == pytest.approx(1)
    assert len(read_instruction(found["small"], small).value.split()) > 3
