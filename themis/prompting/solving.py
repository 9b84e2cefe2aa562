"""Solutions by a language model: how a problem is put to it, and the program in its reply."""

from __future__ import annotations

from themis.generation.protocol import Completion, Request
from themis.prompting.replies import Reading, fenced, inside, without_thoughts

_FORM = "Reply with the whole program in one fenced block of {language}, its imports included, and nothing else."


def solution_request(
    key: str,
    *,
    problem: str,
    language: str,
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask for a program that solves the problem."""
    user = f"{problem}\n\n{_FORM.format(language=language)}"
    return Request(key, user, None, (), max_new_tokens, temperature, top_p, seed)


def read_solution(completion: Completion) -> Reading[str]:
    """The program in a reply, which ends with a newline: its longest fenced block, or all of it where it has none.

    Why there is none: "cut off" before its end, "unfinished thought", "empty", or what the back end says.
    """
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    if completion.finish_reason == "length":
        return Reading(why="cut off")
    text = without_thoughts(completion.text)
    if text is None:
        return Reading(why="unfinished thought")
    blocks = [inside(text[start:end]) for start, end in fenced(text)]
    program = max(blocks, key=len, default=text).strip("\n")
    return Reading(f"{program}\n") if program.strip() else Reading(why="empty")
