"""Unit tests in plain English (LMUnit): how far a response passes the criteria, from 1 to 5."""

from __future__ import annotations

from functools import partial

from themis.generation.protocol import Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.unit_tests import read_unit_test, unit_test_request
from themis.score.generative.asking import GenerativeScorer, by_expected_value, generator_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair

REPLY_TOKENS = 32  # of the published protocol


def load(options: ScorerOptions) -> GenerativeScorer:
    """The model of a line. Raises Problem where there is none."""
    return unit_test_scorer(
        generator_of(options),
        options.prompt_mode,
        expected=by_expected_value(options),
        reply_tokens=options.reply_tokens or REPLY_TOKENS,
    )


def unit_test_scorer(
    generator: Generator, prompt_mode: str, *, expected: bool = False, reply_tokens: int = REPLY_TOKENS
) -> GenerativeScorer:
    """Scores are the grades written; with `expected` their mean under the probabilities of the digits."""

    def ask(key: str, pair: Pair, response: str) -> Request:
        criteria = criteria_of(prompt_mode, pair.criterion)
        return unit_test_request(key, criteria, pair.prompt, response, max_new_tokens=reply_tokens, expected=expected)

    return GenerativeScorer(generator, ask, partial(read_unit_test, expected=expected))
