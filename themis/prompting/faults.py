"""Bug introduction: a program asked for with a fault put in, and what of the reply is used (paper appendix B.3)."""

from __future__ import annotations

import re
from collections import Counter

from themis.generation.protocol import Completion, Request
from themis.prompting.replies import Reading, answer_in, fenced, inside
from themis.prompting.templates import render

SHORTEST = 0.5  # of the program's lines; less is a fragment

# Words that give a fault away, also as a part of a name such as fix_wrong_sum.
_TELLING = re.compile(
    r"(?<![A-Za-z])(?i:bugs?|buggy|bugged|faults?|faulty|mistakes?|errors? here|wrong(?:ly)?|incorrect(?:ly)?"
    r"|intentional(?:ly)?|deliberate(?:ly)?|on purpose|injected|fixme)(?![a-z])"
)


def bug_request(
    key: str,
    *,
    code: str,
    language: str,
    instruction: str | None = None,
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask for the whole program again with a functional fault; `instruction`: what it was asked for, where known."""
    system, user = render("bug_introduction", code=code, language=language, instruction=instruction)
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed)


def read_bug(completion: Completion, code: str, language: str, request: Request | None = None) -> Reading[str]:
    """The faulty program in a reply to `request`, which is needed where there is a text; or why there is none.

    Why: as `answer_in`, "empty", "unchanged" but for space, "far shorter" by more than half the lines that are not
    blank, or "tells of the fault": it has a word such as bug, wrong or intentionally more often than `code` has.
    """
    answer = answer_in(completion, request)
    if answer.value is None:
        return answer
    program = _program(answer.value)
    if not program.strip():
        return Reading(why="empty")
    if _spaceless(program, language) == _spaceless(code, language):
        return Reading(why="unchanged")
    if len(_lines(program)) < SHORTEST * len(_lines(code)):
        return Reading(why="far shorter")
    if _telling(program) - _telling(code):
        return Reading(why="tells of the fault")
    return Reading(program)


def _program(answer: str) -> str:
    """The largest fenced block of an answer, or all of it where it has none."""
    blocks = fenced(answer)
    if not blocks:
        return answer.removeprefix(" ").strip("\n") + "\n"
    start, end = max(blocks, key=lambda block: block[1] - block[0])
    return inside(answer[start:end]).strip("\n") + "\n"


def _spaceless(text: str, language: str) -> list[str]:
    return _lines(text) if language == "Python" else text.split()


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _telling(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _TELLING.findall(text))
