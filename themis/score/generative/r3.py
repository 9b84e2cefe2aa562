"""Rubrics (R3): a thought, then a grade from 1 to 5, sampled by a seed of the pair's own."""

from __future__ import annotations

from functools import partial

from themis import chance
from themis.generation.protocol import Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.rubrics import read_grade, rubric_request
from themis.score.generative.asking import GenerativeScorer, by_expected_value, generator_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair

# Of the published protocol, which draws from the 20 likeliest tokens besides and has no seed.
REPLY_TOKENS, TEMPERATURE, TOP_P = 8192, 0.6, 0.95


def load(options: ScorerOptions) -> GenerativeScorer:
    """The model of a line. Raises Problem where there is none."""
    return rubric_scorer(
        generator_of(options),
        options.prompt_mode,
        seed=options.seed,
        expected=by_expected_value(options),
        reply_tokens=options.reply_tokens or REPLY_TOKENS,
    )


def rubric_scorer(
    generator: Generator, prompt_mode: str, *, seed: int, expected: bool = False, reply_tokens: int = REPLY_TOKENS
) -> GenerativeScorer:
    """Scores are the grades written; with `expected` their mean under the probabilities of the digits."""

    def ask(key: str, pair: Pair, response: str) -> Request:
        return rubric_request(
            key,
            criteria_of(prompt_mode, pair.criterion),
            pair.prompt,
            response,
            max_new_tokens=reply_tokens,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            seed=chance.digest(seed, "rubric", pair.id),  # one for both responses
            expected=expected,
        )

    return GenerativeScorer(generator, ask, partial(read_grade, expected=expected))
