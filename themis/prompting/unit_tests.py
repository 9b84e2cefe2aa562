"""A unit test in plain English that a response passes more or less: a score from 1 to 5 as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import Reading
from themis.prompting.scales import CUT_OFF, LIKELIEST, NO_SCORE, OUT_OF_RANGE, Found, Scale, read_score
from themis.prompting.templates import render
from themis.vocabulary import Criterion

SCALE = Scale(1, 5)
NUMBER = re.compile(r"(?<![\w.-])-?[0-9]+(?:\.[0-9]+)?(?![\w%])")
_KEY = re.compile(r"[\"']score[\"']\s*:\s*[\"']?\s*(-?[0-9]+(?:\.[0-9]+)?)?", re.IGNORECASE)


def unit_test_request(
    key: str,
    criteria: Sequence[Criterion],
    instruction: str,
    response: str,
    *,
    max_new_tokens: int,
    expected: bool = False,
) -> Request:
    """Ask how far the response to the instruction holds to the criteria (none: answers it well)."""
    texts = [CRITERION_TEXTS[criterion] for criterion in criteria]
    system, user = render("unit_test", criteria=texts, instruction=instruction, response=response)
    return Request(key, user, system, max_new_tokens=max_new_tokens, logprobs=LIKELIEST if expected else 0)


def read_unit_test(completion: Completion, *, expected: bool = False) -> Reading[float]:
    """The first score in JSON, else the first bare number from 1 to 5; or why there is none: see `read_score`.

    Of a reply that was cut off, a bare number counts only where the reply begins with it.
    """
    return read_score(completion, _grade, SCALE, expected=expected)


def keyed(reply: str, ended: bool, *, last: bool) -> Found | str | None:
    """The first or the last score in JSON of a reply, why it is none, or None where nothing of the kind is there."""
    keys = list(_KEY.finditer(reply))
    if not keys:
        return None
    key = keys[-1 if last else 0]
    if not ended and re.fullmatch(r"\.?", reply[key.end() :]):
        return CUT_OFF  # the number might have gone on
    return NO_SCORE if key[1] is None else Found(key[1], key.start(1))


def _grade(reply: str, ended: bool) -> Found | str:
    if (found := keyed(reply, ended, last=False)) is not None:
        return found
    numbers = list(NUMBER.finditer(reply))
    if not ended:
        begins = numbers and not reply[: numbers[0].start()].strip() and reply[numbers[0].end() :].strip(".")
        if not begins:
            return CUT_OFF
        numbers = numbers[:1]
    if not numbers:
        return NO_SCORE
    graded = [number for number in numbers if SCALE.read(number[0]).value is not None]
    return Found(graded[0][0], graded[0].start()) if graded else OUT_OF_RANGE
