"""One request of every template about a tiny pair, and its reader, so that a back end can be tried with all of them."""

from __future__ import annotations

from typing import Any

from themis.generation.protocol import Completion, Request
from themis.prompting.faults import bug_request, read_bug
from themis.prompting.instructing import instruction_request, read_instruction
from themis.prompting.judging import Verdict, judge_request, read_verdict
from themis.prompting.recovering import problem_request, read_problem
from themis.prompting.replies import Reading
from themis.prompting.reviewing import read_rating, review_request
from themis.vocabulary import Criterion

TEMPLATES = (
    "commit_review",
    "answer_review",
    "inverse_instruction",
    "problem_recovery",
    "bug_introduction",
    "preference_judge",
)

_OLD = "def total(prices):\n    result = 0\n    for i in range(len(prices)):\n        result += prices[i]\n    return result\n"
_NEW = "def total(prices):\n    return sum(prices)\n"
_ASKED_FOR = "Write a function that adds up a list of prices."
_REVIEW: dict[str, Any] = {
    "criterion": Criterion.READABILITY_MAINTAINABILITY,
    "subject": "Use sum",
    "change": "\n".join(
        [f" {_NEW.splitlines()[0]}", *(f"-{line}" for line in _OLD.splitlines()[1:]), f"+{_NEW.splitlines()[1]}"]
    ),
    "language": "Python",
}


def example_request(template: str, *, max_new_tokens: int = 64) -> Request:
    """A request that wants a text, of one of the TEMPLATES; its key is the template's name."""
    text: dict[str, Any] = {"max_new_tokens": max_new_tokens}
    if template == "commit_review":
        return review_request(template, **_REVIEW, answer="text", **text)
    if template == "answer_review":
        return review_request(template, **_REVIEW, instruction=_ASKED_FOR, answer="text", **text)
    if template == "inverse_instruction":
        return instruction_request(template, old=_OLD, new=_NEW, language="Python", style="chat_request", **text)
    if template == "problem_recovery":
        return problem_request(template, code=_NEW, language="Python", **text)
    if template == "bug_introduction":
        return bug_request(template, code=_OLD, language="Python", instruction=_ASKED_FOR, **text)
    if template == "preference_judge":
        return judge_request(template, [_REVIEW["criterion"]], _ASKED_FOR, _NEW, _OLD, answer="text", **text)
    raise ValueError(f"{template} is none of {', '.join(TEMPLATES)}")


def read_example(completion: Completion, request: Request) -> Reading[float] | Reading[str] | Verdict:
    """What a reply to an example request says."""
    if request.key.endswith("_review"):
        return read_rating(completion, request)
    if request.key == "preference_judge":
        return read_verdict(completion, request)
    if request.key == "bug_introduction":
        return read_bug(completion, _OLD, "Python", request)
    return (
        read_problem(completion, request)
        if request.key == "problem_recovery"
        else read_instruction(completion, request)
    )
