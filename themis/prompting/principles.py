"""Whether a reply holds to a principle, Yes or No: a third role asks, and the probabilities of the verdict are read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from themis.generation.protocol import SPACES, Completion, Request, Token
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.replies import Reading, without_thoughts
from themis.prompting.scales import CUT_OFF, LIKELIEST, NO_LOGPROBS
from themis.prompting.templates import render
from themis.vocabulary import Criterion

NO_VERDICT = "no verdict"
FLOOR = -50.0  # of a verdict that is not among the tokens told, in the published protocol
_MARKS = SPACES + "*_`\"'.!:;,()[]{}"


def principle_request(
    key: str, criteria: Sequence[Criterion], instruction: str, response: str, *, max_new_tokens: int
) -> Request:
    """Ask whether the response to the instruction holds to the criteria (none: answers it well)."""
    _, principle = render("principle", criteria=[CRITERION_TEXTS[criterion] for criterion in criteria])
    turns = (("assistant", response), ("principle", principle))
    return Request(key, instruction, max_new_tokens=max_new_tokens, logprobs=LIKELIEST, turns=turns)


def read_principle(completion: Completion, *, expected: bool = False, floor: float | None = None) -> Reading[float]:
    """log p(Yes) - log p(No) where the verdict was written, or with `expected` p(Yes) of the two; else why not.

    The verdict is the last word of a reply that the model ended itself, or the only word of one that was cut off. The
    probabilities of a word's spellings (spaces, case) are summed. One that is in no token told has the log-probability
    `floor`, or the reading is missing.
    """
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    if without_thoughts(completion.text) is None:
        return Reading(why="unfinished thought")
    if completion.tokens is None:
        return Reading(why=NO_LOGPROBS)
    words = [token for token in completion.tokens if token.text.strip(_MARKS)]
    ended = completion.finish_reason in ("stop", None)
    if not words or _word(words[-1].text) not in ("yes", "no") or (len(words) > 1 and not ended):
        return Reading(why=NO_VERDICT if ended else CUT_OFF)
    logprobs = {word: _logprob(words[-1], word) for word in ("yes", "no")}
    for word, value in logprobs.items():
        if value is None and floor is None:
            return Reading(why=f"no log-probability of {word.capitalize()}")
    yes, no = (floor if value is None else value for value in logprobs.values())
    return Reading(_share(yes - no) if expected else yes - no)


def _logprob(token: Token, word: str) -> float | None:
    told = {(token.text, token.logprob), *token.alternatives}
    values = sorted(logprob for text, logprob in told if _word(text) == word)
    if not values:
        return None
    return values[-1] + math.log(sum(math.exp(value - values[-1]) for value in values))


def _share(logit: float) -> float:
    """exp(logit) / (1 + exp(logit)), as exact for small shares as for large ones."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def _word(text: str) -> str:
    return text.strip(_MARKS).casefold()
