"""The A/B/TIE question: how it is put to a language model, and how its answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import answer_in
from themis.prompting.templates import render
from themis.vocabulary import Criterion

VOTES = ("A", "B", "TIE")
OPTIONS = ("A", "B", "T")  # next tokens that are compared; TIE by its first letter, which is one token everywhere


@dataclass(frozen=True)
class Verdict:
    """A vote and the probabilities behind it; `first` and `second` are the replies in the order they were shown.

    A vote in a text has all the probability. One that cannot be read is None, has none, and says why.
    """

    vote: str | None  # A | B | TIE
    first: float
    second: float
    tie: float
    why: str | None = None


def judge_request(
    key: str,
    criteria: Sequence[Criterion],
    instruction: str | None,
    first: str,
    second: str,
    *,
    answer: Literal["options", "text"] = "options",
    max_new_tokens: int = 0,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask which of two replies is better by the criteria (none: better at large), given what was asked for, if known.

    The answer is the probability of A, B and T (`options`), or a rationale and a vote (`text`).
    """
    texts = [CRITERION_TEXTS[criterion] for criterion in criteria]
    system, user = render(
        "preference_judge", answer=answer, criteria=texts, instruction=instruction, first=first, second=second
    )
    if answer == "options":
        return Request(key=key, system=system, user=user, options=OPTIONS)
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed)


def read_verdict(completion: Completion, request: Request | None = None) -> Verdict:
    """The vote in an answer; a text is read with the `request` that it answers.

    Probabilities: the likeliest of A, B and TIE, TIE where the likeliest two are equal. A text: A, B or TIE as the
    model wrote it, in either case; everything else has no vote and says why: as `answer_in`, or "not a vote".
    """
    if completion.probabilities is not None:
        first, second, tie = completion.probabilities
        best = max(first, second, tie)
        leaders = [vote for vote, value in zip(VOTES, (first, second, tie), strict=True) if value == best]
        return Verdict(leaders[0] if len(leaders) == 1 else "TIE", first, second, tie)
    written = answer_in(completion, request, line=True)
    if written.value is None:
        return Verdict(None, 0.0, 0.0, 0.0, written.why)
    vote = written.value.strip(" \t\n*_`\"'.").upper()
    if vote not in VOTES:
        return Verdict(None, 0.0, 0.0, 0.0, "not a vote")
    return Verdict(vote, float(vote == "A"), float(vote == "B"), float(vote == "TIE"))


def favours(vote: str, *, chosen_first: bool) -> str:
    """Which side of the pair a vote is for: chosen, rejected or tie."""
    if vote == "TIE":
        return "tie"
    return "chosen" if (vote == "A") == chosen_first else "rejected"
