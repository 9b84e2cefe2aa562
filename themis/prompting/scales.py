"""The score in a reply: whether it is on its scale, and the mean of what the model might have written in its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from themis.generation.protocol import SPACES, Completion, Token
from themis.prompting.replies import Reading, without_thoughts

LIKELIEST = 20  # tokens told at each place; many servers stop there

_PLAIN = str.maketrans({"\u2581": " ", "\u0120": " ", "\u010a": "\n"})  # spaces as tokenizers spell them: ▁ Ġ Ċ

NO_SCORE = "no score"
CUT_OFF = "cut off"
OUT_OF_RANGE = "score out of range"
OFF_SCALE = "score off the scale"
NO_LOGPROBS = "no log-probabilities"
NOT_IN_TOKENS = "score not in its tokens"


@dataclass(frozen=True)
class Scale:
    """The numbers that are scores: from `least` to `most`, in steps where there are any."""

    least: float
    most: float
    step: float | None = None

    def read(self, numeral: str) -> Reading[float]:
        """The number, or why it is no score."""
        number = float(numeral)
        if not self.least <= number <= self.most:
            return Reading(why=OUT_OF_RANGE)
        if self.step and (number - self.least) % self.step:
            return Reading(why=OFF_SCALE)
        return Reading(number)


@dataclass(frozen=True)
class Found:
    """A number in a reply, and where it begins."""

    numeral: str
    start: int


# From a reply without its thoughts, and whether the model ended it itself: its score, or why there is none.
Finder = Callable[[str, bool], Found | str]


def read_score(completion: Completion, find: Finder, scale: Scale, *, expected: bool) -> Reading[float]:
    """The score in a reply, on its scale, or why there is none; a score of zero is a score.

    With `expected` it is the mean of the scores the model might have written at that place, under their probabilities
    there: those of the tokens told, summing to one. A number of several tokens is followed along the one that was
    written; another that could go on ("1" in place of "7", which might become 10) counts as it stands.
    """
    if completion.text is None:
        return Reading(why=completion.missing_reason or "no answer")
    reply = without_thoughts(completion.text)
    if reply is None:
        return Reading(why="unfinished thought")
    ended = completion.finish_reason in ("stop", None)
    found = find(reply, ended)
    if isinstance(found, str):
        return Reading(why=found)
    score = scale.read(found.numeral)
    return _expected(completion, find, scale, found.numeral) if expected and score.value is not None else score


def _expected(completion: Completion, find: Finder, scale: Scale, numeral: str) -> Reading[float]:
    tokens = completion.tokens
    if not tokens or not any(token.alternatives for token in tokens):
        return Reading(why=NO_LOGPROBS)
    # The text that the tokens spell may differ from the reply in characters that several tokens share.
    spelt = "".join(token.text for token in tokens).translate(_PLAIN)
    reply = without_thoughts(spelt) or ""
    found = find(reply, completion.finish_reason in ("stop", None))
    if isinstance(found, str) or found.numeral != numeral:
        return Reading(why=NOT_IN_TOKENS)
    place, before = _place(tokens, len(spelt) - len(reply) + found.start)
    if before.strip(SPACES):
        return Reading(why=NOT_IN_TOKENS)
    weighed = [(scale.read(other).value, weight) for other, weight in _numerals(tokens, place, "")]
    scores = [(score, weight) for score, weight in weighed if score is not None]
    total = sum(weight for _, weight in scores)
    if not total:
        return Reading(why=NO_LOGPROBS)
    return Reading(sum(score * weight for score, weight in scores) / total)


def _place(tokens: Sequence[Token], start: int) -> tuple[int, str]:
    """The token that holds a character of the text they spell, and what of it comes before."""
    for index, token in enumerate(tokens):
        if start < len(token.text):
            return index, token.text[:start]
        start -= len(token.text)
    raise ValueError("no token holds that character")


def _numerals(tokens: Sequence[Token], place: int, written: str) -> Iterator[tuple[str, float]]:
    """Numbers that begin with `written` and go on at a token, with their probabilities given what was written."""
    token = tokens[place]
    own = (token.text, token.logprob)
    for text, logprob in (own, *(other for other in token.alternatives if other != own)):
        piece = text if written else text.lstrip(SPACES)
        match = re.match(r"[0-9]*\.?[0-9]*" if "." not in written else "[0-9]*", piece)
        digits = match[0] if match else ""
        whole = written + digits
        if (text, logprob) == own and digits and digits == piece and place + 1 < len(tokens):
            for numeral, weight in _numerals(tokens, place + 1, whole):
                yield numeral, math.exp(logprob) * weight
        elif whole.rstrip("."):
            yield whole.rstrip("."), math.exp(logprob)
