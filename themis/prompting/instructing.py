"""Instructions written back from code: how they are asked for, and what of a reply is used (paper section 3, stage 5)."""

from __future__ import annotations

import re
from typing import Literal

from themis import chance
from themis.generation.protocol import Completion, Request
from themis.prompting.leaks import quotes
from themis.prompting.replies import Reading, answer_in, fenced, without_thoughts
from themis.prompting.templates import render, shown

# Who might be asking; the words complete "Write it as ...".
STYLES: dict[str, str] = {
    "course_task": "a task of a programming course",
    "forum_question": "a question on a programming forum",
    "chat_request": "a message to a coding assistant",
    "search_query": "a web search query",
    "contest_problem": "a problem of a programming contest",
}

_FEWEST_WORDS = 2  # not even a search query says what is wanted in one

_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*(?=\s|$)")


def instruction_request(
    key: str,
    *,
    new: str,
    old: str | None = None,
    language: str,
    style: str,
    sees: Literal["both", "new"] = "both",
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask for the request that the code answers, in one of the STYLES.

    `both` shows the two versions, unnamed and in an order that the key decides, and asks for a request that leads to
    either of them as likely; `new` shows the new version alone, in words that a very small model can follow.
    Raises ValueError where `both` are to be seen and `old` is not given.
    """
    versions = [new]
    if sees == "both":
        if old is None:
            raise ValueError(f"request {key}: both versions are to be seen, and the old one is not given")
        versions = [old, new] if chance.digest(0, "order", key) % 2 else [new, old]
    system, user = render("inverse_instruction", sees=sees, versions=versions, language=language, style=STYLES[style])
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed)


def read_instruction(completion: Completion, request: Request) -> Reading[str]:
    """The instruction in a reply to `request`, or why there is none.

    Where both versions were seen it is what stands between the marks. Else it is the first paragraph without code
    blocks and thoughts; cut by its length, it ends with its last whole sentence, if there is one.
    Why: as `answer_in`, "empty", "too short" (one word), or "quotes the code": a fenced block, or more of the
    code than chance explains.
    """
    marks = "[/REQUEST " in request.user.rpartition("\n")[2]
    answer = _marked(completion, request) if marks else _paragraph(completion)
    if answer.value is not None and quotes(answer.value, *shown(request.user)):
        return Reading(why="quotes the code")
    if answer.value is not None and _too_short(answer.value):
        return Reading(why="too short")
    return answer


def _marked(completion: Completion, request: Request) -> Reading[str]:
    answer = answer_in(completion, request)
    if answer.value is None:
        return answer
    if fenced(answer.value):
        return Reading(why="quotes the code")
    instruction = answer.value.strip()
    return Reading(instruction) if instruction else Reading(why="empty")


def _paragraph(completion: Completion) -> Reading[str]:
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    reply = without_thoughts(completion.text)
    if reply is None:
        return Reading(why="unfinished thought")
    for start, end in reversed(fenced(reply)):
        reply = f"{reply[:start]}\n\n{reply[end:]}"
    paragraph, *others = re.split(r"\n[ \t]*\n", reply.strip(), maxsplit=1)
    paragraph = " ".join(paragraph.split())
    if completion.finish_reason == "length" and not others:
        ends = list(_SENTENCE_END.finditer(paragraph))
        paragraph = paragraph[: ends[-1].end()] if ends else paragraph
    return Reading(paragraph) if paragraph else Reading(why="empty")


def _too_short(instruction: str) -> bool:
    """Whether it has fewer words than any request; scripts without spaces between words are let through."""
    return instruction.isascii() and len(re.findall(r"\w+", instruction)) < _FEWEST_WORDS
