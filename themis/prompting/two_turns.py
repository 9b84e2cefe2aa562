"""Criteria first, then a score by them: a conversation of two turns that ends with a boxed score from 0 to 10."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import Reading, without_thoughts
from themis.prompting.scales import CUT_OFF, LIKELIEST, NO_SCORE, Found, Scale, read_score
from themis.prompting.templates import render
from themis.vocabulary import Criterion

SCALE = Scale(0, 10, 0.5)
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{\s*)?(-?[0-9]+(?:\.[0-9]+)?)\s*(?:/\s*10)?\s*\}")


def made_criteria_request(key: str, criteria: Sequence[Criterion], instruction: str, *, max_new_tokens: int) -> Request:
    """Ask what a reply to the instruction is to be judged by, within these criteria (none: at large)."""
    texts = [CRITERION_TEXTS[criterion] for criterion in criteria]
    system, user = render("two_turn_criteria", criteria=texts, instruction=instruction)
    return Request(key, user, system, max_new_tokens=max_new_tokens)


def read_made_criteria(completion: Completion) -> Reading[str]:
    """The criteria in a reply, or why there are none: one that was cut off may lack the weightiest."""
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    text = without_thoughts(completion.text)
    if text is None:
        return Reading(why="unfinished thought")
    if completion.finish_reason not in ("stop", None):
        return Reading(why="criteria cut off")
    return Reading(text.strip()) if text.strip() else Reading(why="no criteria")


def evaluation_request(
    key: str, asked: Request, made: str, response: str, *, max_new_tokens: int, expected: bool = False
) -> Request:
    """The second turn: judge a response by the criteria `made`, which the model wrote when it was `asked`."""
    _, user = render("two_turn_evaluation", response=response)
    return dataclasses.replace(
        asked,
        key=key,
        turns=(("assistant", made), ("user", user)),
        max_new_tokens=max_new_tokens,
        logprobs=LIKELIEST if expected else 0,
    )


def read_evaluation(completion: Completion, *, expected: bool = False) -> Reading[float]:
    """The last boxed number of a reply, or why there is none: see `read_score`."""
    return read_score(completion, _boxed, SCALE, expected=expected)


def _boxed(reply: str, ended: bool) -> Found | str:
    boxes = list(_BOXED.finditer(reply))
    if boxes:
        return Found(boxes[-1][1], boxes[-1].start(1))
    return NO_SCORE if ended else CUT_OFF
