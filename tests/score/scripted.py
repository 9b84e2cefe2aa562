"""A language model that answers from a script, and tokens with probabilities written by hand."""

from __future__ import annotations

import math

from themis.generation import Completion, Token


class Scripted:
    """Answers by a function of the request: a text, the fields of a completion, or None for an engine that failed.

    Answers come last one first, unless `forwards`. It can die after so many answers, and tells what it was asked.
    """

    fingerprint = "scripted"

    def __init__(self, answer, *, dies_after=None, forwards=False):
        self.answer, self.dies_after, self.forwards = answer, dies_after, forwards
        self.asked = []

    def generate(self, requests):
        requests = list(requests)
        for request in requests if self.forwards else reversed(requests):
            if len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(request)
            answer = self.answer(request)
            if answer is None:
                yield Completion(request.key, missing_reason="engine failed")
            elif isinstance(answer, str):
                yield Completion(request.key, text=answer, finish_reason="stop")
            else:
                yield Completion(request.key, **{"finish_reason": "stop", **answer})


def spelt(pieces, **fields):
    """Fields of a completion from its tokens: a text each, certain; or {text: probability}, the first of them written."""
    tokens = []
    for piece in pieces:
        chances = piece if isinstance(piece, dict) else {piece: 1.0}
        told = tuple((text, math.log(chance)) for text, chance in chances.items())
        tokens.append(Token(told[0][0], told[0][1], tuple(sorted(told, key=lambda one: -one[1]))))
    text = "".join(token.text for token in tokens).replace("▁", " ")
    return {"text": text, "tokens": tuple(tokens), **fields}
