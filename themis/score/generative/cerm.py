"""Two turns (CE-RM): the model writes the criteria for a prompt once, then judges both responses by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from themis.generation.batch_files import finish
from themis.generation.protocol import Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.two_turns import evaluation_request, made_criteria_request, read_evaluation, read_made_criteria
from themis.score.generative.asking import by_expected_value, generator_of, score_responses
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore

CRITERIA_TOKENS, EVALUATION_TOKENS = 4096, 8192  # of the published protocol


def load(options: ScorerOptions) -> TwoTurnScorer:
    """The model of a line; `reply_tokens` bounds the evaluation, and the criteria where it is less. Raises Problem."""
    return TwoTurnScorer(
        generator_of(options),
        options.prompt_mode,
        expected=by_expected_value(options),
        reply_tokens=options.reply_tokens or EVALUATION_TOKENS,
    )


class TwoTurnScorer:
    """Scores from 0 to 10 in halves; with `expected` their mean under the probabilities of the digits."""

    def __init__(
        self, generator: Generator, prompt_mode: str, *, expected: bool = False, reply_tokens: int = EVALUATION_TOKENS
    ) -> None:
        self.generator = generator
        self.prompt_mode = prompt_mode
        self.expected = expected
        self.reply_tokens = reply_tokens

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Ask for every pair's criteria, then about both responses; without criteria both are missing."""
        asked = {pair.id: self._first_turn(pair) for pair in pairs}
        made: dict[str, str] = {}
        for completion in self.generator.generate(asked.values()):
            reading = read_made_criteria(completion)
            if reading.value is None:
                yield completion.key, PairScore(missing_reason=reading.why)
            else:
                made[completion.key] = reading.value
        finish(self.generator)  # where requests wait in files, the second turn waits for the first

        def second_turn(key: str, pair: Pair, response: str) -> Request:
            return evaluation_request(
                key,
                asked[pair.id],
                made[pair.id],
                response,
                max_new_tokens=self.reply_tokens,
                expected=self.expected,
            )

        judged = [pair for pair in pairs if pair.id in made]
        yield from score_responses(
            self.generator, judged, second_turn, partial(read_evaluation, expected=self.expected)
        )

    def _first_turn(self, pair: Pair) -> Request:
        criteria = criteria_of(self.prompt_mode, pair.criterion)
        tokens = min(CRITERIA_TOKENS, self.reply_tokens)
        return made_criteria_request(pair.id, criteria, pair.prompt, max_new_tokens=tokens)
