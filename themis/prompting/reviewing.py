"""The rating of a change, 1 to 5: how it is asked for, and how it is read (paper section 3, stage 4)."""

from __future__ import annotations

import re
from typing import Literal

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import Reading, answer_in
from themis.prompting.templates import render
from themis.vocabulary import Criterion

DIGITS = ("1", "2", "3", "4", "5")
_RATING = re.compile(r"[\s*_`\"']*([1-5])(\s*/\s*5)?[\s*_`\"'.]*", re.ASCII)


def review_request(
    key: str,
    *,
    criterion: Criterion,
    subject: str,
    change: str,
    language: str,
    instruction: str | None = None,
    answer: Literal["digits", "text"] = "digits",
    rising: bool = False,
    max_new_tokens: int = 0,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Request:
    """Ask how far a change improves a criterion; with `instruction`, how far it does so for who asked for that.

    `change` is the change as the prompt shows it, both versions at once. The answer is the probability of each of the
    five digits (`digits`), or a summary and a rating (`text`). `rising` names the scale from 1 up, else from 5 down.
    """
    values = {"instruction": instruction} if instruction is not None else {}
    system, user = render(
        "commit_review" if instruction is None else "answer_review",
        answer=answer,
        first="1" if rising else "5",
        criterion=CRITERION_TEXTS[criterion],
        language=language,
        subject=" ".join(subject.split()),
        change=change,
        **values,
    )
    if answer == "digits":
        return Request(key=key, system=system, user=user, options=DIGITS)
    return Request(key, user, system, (), max_new_tokens, temperature, top_p, seed)


def read_rating(completion: Completion, request: Request | None = None) -> Reading[float]:
    """The rating in an answer, or why there is none; a text is read with the `request` that it answers.

    Digits: the expected value under their probabilities, from 1 to 5, and these. A text: 1, 2, 3, 4 or 5 as the model
    wrote it; `4/5` is 4; everything else (0, 6, 4.5, "4 or 5", digits of other scripts) is "not a rating".
    """
    if completion.probabilities is not None:
        chances = completion.probabilities
        return Reading(sum(digit * chance for digit, chance in enumerate(chances, start=1)), chances)
    written = answer_in(completion, request, line=True)
    if written.value is None:
        return Reading(why=written.why)
    rating = _RATING.fullmatch(written.value)
    return Reading(float(rating[1])) if rating else Reading(why="not a rating")
