"""Problem recovery: the problem that a program solves, for collections whose programs come without one."""

from __future__ import annotations

from themis.generation.protocol import Completion, Request
from themis.prompting.leaks import quotes
from themis.prompting.replies import Reading, answer_in
from themis.prompting.templates import render, shown


def problem_request(
    key: str,
    *,
    code: str,
    language: str,
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask for the problem statement that the program solves."""
    system, user = render("problem_recovery", code=code, language=language)
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed)


def read_problem(completion: Completion, request: Request) -> Reading[str]:
    """The problem in a reply to `request`, or why there is none: as `answer_in`, "empty" or "quotes the code".

    Fenced blocks may be examples of input and output and stay; what quotes the program is told by its words and lines.
    """
    answer = answer_in(completion, request)
    if answer.value is None:
        return answer
    problem = answer.value.strip()
    if not problem:
        return Reading(why="empty")
    return Reading(why="quotes the code") if quotes(problem, *shown(request.user)) else Reading(problem)
