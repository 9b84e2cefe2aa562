"""Principles (Nemotron GenRM): whether a response holds to the criteria, by the log-odds of Yes against No."""

from __future__ import annotations

from functools import partial

from themis.generation.protocol import Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.principles import FLOOR, principle_request, read_principle
from themis.score.generative.asking import GenerativeScorer, by_expected_value, generator_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair

REPLY_TOKENS = 16000  # of the published protocol


def load(options: ScorerOptions) -> GenerativeScorer:
    """The model of a line; in the published protocol a verdict that is not told has a floor. Raises Problem."""
    return principle_scorer(
        generator_of(options),
        options.prompt_mode,
        expected=by_expected_value(options),
        reply_tokens=options.reply_tokens or REPLY_TOKENS,
        floor=FLOOR if options.protocol == "published" else None,
    )


def principle_scorer(
    generator: Generator,
    prompt_mode: str,
    *,
    expected: bool = False,
    reply_tokens: int = REPLY_TOKENS,
    floor: float | None = None,
) -> GenerativeScorer:
    """Scores are log p(Yes) - log p(No) at the verdict; with `expected`, the share of Yes, from 0 to 1."""

    def ask(key: str, pair: Pair, response: str) -> Request:
        criteria = criteria_of(prompt_mode, pair.criterion)
        return principle_request(key, criteria, pair.prompt, response, max_new_tokens=reply_tokens)

    return GenerativeScorer(generator, ask, partial(read_principle, expected=expected, floor=floor))
