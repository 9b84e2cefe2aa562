"""A grade from 1 to 5 by a rubric, after a thought: as JSON, or in the words models use instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import Reading
from themis.prompting.scales import CUT_OFF, LIKELIEST, NO_SCORE, OUT_OF_RANGE, Found, Scale, read_score
from themis.prompting.templates import render
from themis.prompting.unit_tests import NUMBER, keyed
from themis.vocabulary import Criterion

SCALE = Scale(1, 5)
_NUMBER = r"(-?[0-9]+(?:\.[0-9]+)?)(?![\w%])"
_WORDED = (
    re.compile(
        rf"\b(?:score|rating|grade)\b[\s*_`\"':=-]*(?:(?:is|of|would be)\b)?[\s*_`\"':=]*{_NUMBER}", re.IGNORECASE
    ),
    re.compile(rf"(?<![\w.-]){_NUMBER}\s*(?:/|out of)\s*5(?![\w.])", re.IGNORECASE),
)


def rubric_request(
    key: str,
    criteria: Sequence[Criterion],
    instruction: str,
    response: str,
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
    expected: bool = False,
) -> Request:
    """Ask for the grade of the response to the instruction by the criteria (none: as an answer at large)."""
    texts = [CRITERION_TEXTS[criterion] for criterion in criteria]
    system, user = render("rubric", criteria=texts, instruction=instruction, response=response)
    told = LIKELIEST if expected else 0
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed, told, thinking=True)


def read_grade(completion: Completion, *, expected: bool = False) -> Reading[float]:
    """The grade after the thought, or why there is none: see `read_score`.

    The last score in JSON; else, of a reply that the model ended itself, the last "score is 4", the last "4/5", the
    last bare number from 1 to 5.
    """
    return read_score(completion, _grade, SCALE, expected=expected)


def _grade(reply: str, ended: bool) -> Found | str:
    if (found := keyed(reply, ended, last=True)) is not None:
        return found
    if not ended:
        return CUT_OFF
    for worded in _WORDED:
        if matches := list(worded.finditer(reply)):
            return Found(matches[-1][1], matches[-1].start(1))
    numbers = list(NUMBER.finditer(reply))
    if not numbers:
        return NO_SCORE
    graded = [number for number in numbers if SCALE.read(number[0]).value is not None]
    return Found(graded[-1][0], graded[-1].start()) if graded else OUT_OF_RANGE
