"""What a model's reply to a template answers: the last complete answer between the marks asked for, or why there is none.

A request that wants a text ends with the form of its answer, `[NAME nonce] what belongs here [/NAME nonce]`. The nonce
is in no text that the request shows (`themis.prompting.templates.nonce`), so nothing the model quotes is an answer; and
what belongs here, repeated as it stands, is none either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from themis.generation.protocol import Completion, Request

Value = TypeVar("Value")

# Why nothing was read of a reply that is there; a reply that is not has the completion's missing_reason.
REASONS = (
    "no answer",
    "cut off",  # in its first answer
    "unfinished thought",
    "empty",
    "not a rating",
    "not a vote",
    "quotes the code",
    "unchanged",
    "far shorter",
    "tells of the fault",
)

_FORM = re.compile(r"\[([A-Z]+) (\d+)\] (.*) \[/\1 \2\]")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`]*)")


@dataclass(frozen=True)
class Reading(Generic[Value]):
    """What was read of a reply: a value, and the probabilities it was read from, if any; or why there is no value."""

    value: Value | None = None
    probabilities: tuple[float, ...] | None = None
    why: str | None = None


def answer_in(completion: Completion, request: Request | None, *, line: bool = False) -> Reading[str]:
    """The last complete answer in a reply to `request`, as it stands between its marks, or why there is none.

    Case and spacing of the marks do not matter. An answer without its closing mark is complete where another mark of
    the request's follows, or the end of a reply that the model ended itself; one of a `line` with the end of its line.
    An answer begun in a fenced block does not count, unless the block is the whole reply; thoughts are passed over.
    Raises ValueError for a text without its request, or with one that asks for no text between marks.
    """
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    form = request and _FORM.fullmatch(request.user.rpartition("\n")[2])
    if form is None:
        raise ValueError(f"{completion.key}: a text is read with the request for a text between marks that it answers")
    text = without_thoughts(completion.text)
    if text is None:
        return Reading(why="unfinished thought")
    name, nonce, belongs = form.groups()
    begun, answer = False, None
    for content, closed in _answers(_unwrapped(text), name, nonce):
        if line and not closed:
            content, end, _ = content.lstrip().partition("\n")
            closed = bool(end)
        if _words(content).startswith(_words(belongs)):
            continue
        if closed or completion.finish_reason in ("stop", None):
            answer = content
        else:
            begun = True
    if answer is None:
        return Reading(why="cut off" if begun else "no answer")
    return Reading(answer)


def without_thoughts(text: str) -> str | None:
    """A reply after its last thought (`<think>...</think>`); None where a thought has no end."""
    reply = re.split("</think>", text, flags=re.IGNORECASE)[-1]
    return None if re.search("<think>", reply, re.IGNORECASE) else reply


def fenced(text: str) -> list[tuple[int, int]]:
    """Where the fenced blocks of a text are, fences included; one that is never closed goes on to the end."""
    blocks: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    place = 0
    for row in text.split("\n"):
        mark = _FENCE.fullmatch(row)
        if opened is None and mark:
            opened = (place, mark[1])
        elif opened and mark and mark[1].startswith(opened[1]) and not mark[2].strip():
            blocks.append((opened[0], place + len(row)))
            opened = None
        place += len(row) + 1
    return [*blocks, (opened[0], len(text))] if opened else blocks


def inside(block: str) -> str:
    """What a fenced block encloses."""
    _, *rows = block.split("\n")
    return "\n".join(rows[:-1] if rows and _FENCE.fullmatch(rows[-1]) else rows)


def _unwrapped(text: str) -> str:
    stripped = text.strip()
    return inside(stripped) if fenced(stripped) == [(0, len(stripped))] else stripped


def _answers(text: str, name: str, nonce: str) -> Iterator[tuple[str, bool]]:
    """What follows each opening mark of that name up to the next mark, and whether there is one.

    Where the next mark opens the same section again, the first one was none.
    """
    blocks = fenced(text)
    marks = list(re.finditer(rf"\[\s?(/?)\s?([A-Za-z]+)\s{{1,2}}{nonce}\s?\]", text))
    for here, following in pairwise([*marks, None]):
        if here is None or here[1] or here[2].upper() != name:
            continue
        if any(start <= here.start() < end for start, end in blocks):
            continue
        if following is None:
            yield text[here.end() :], False
        elif following[1] or following[2].upper() != name:
            yield text[here.end() : following.start()], True


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
