"""A language model as generative judge: each pair is shown in both orders, for a probability or a vote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from themis.generation.batch_files import finish
from themis.generation.protocol import Completion, Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.judging import judge_request, read_verdict
from themis.score.generative.asking import by_expected_value, generator_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore

REPLY_TOKENS = 1024  # of a rationale and a vote


def load(options: ScorerOptions) -> JudgeScorer:
    """The judge of a model's line; it is read by its probabilities unless the line says otherwise. Raises Problem."""
    expected = by_expected_value(options, otherwise=True)
    return JudgeScorer(
        generator_of(options),
        options.prompt_mode,
        reply_tokens=0 if expected else options.reply_tokens or REPLY_TOKENS,
    )


class JudgeScorer:
    """Scores are the judge's probability that the response is the better one, averaged over both orders.

    The probability of a tie goes to neither, and a judge that looks at the position alone ties. With `reply_tokens` the
    judge writes a rationale and a vote, which has all the probability.
    """

    def __init__(self, generator: Generator, prompt_mode: str, *, reply_tokens: int = 0) -> None:
        self.generator = generator
        self.prompt_mode = prompt_mode
        self.reply_tokens = reply_tokens

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Ask about every pair twice; a pair with one order unanswered is missing for that reason."""
        asked: dict[str, tuple[str, bool, Request]] = {}

        def requests() -> Iterator[Request]:
            for pair in pairs:
                for chosen_first in (True, False):
                    request = self._request(pair, chosen_first=chosen_first)
                    asked[request.key] = (pair.id, chosen_first, request)
                    yield request

        waiting: dict[str, tuple[Completion, Request]] = {}
        for completion in self.generator.generate(requests()):
            row, chosen_first, request = asked.pop(completion.key)
            if row not in waiting:
                waiting[row] = (completion, request)
                continue
            both = ((completion, request), waiting.pop(row))
            yield row, _combine(*(both if chosen_first else both[::-1]))
        finish(self.generator)

    def _request(self, pair: Pair, *, chosen_first: bool) -> Request:
        order = "chosen first" if chosen_first else "rejected first"
        first, second = (pair.chosen, pair.rejected) if chosen_first else (pair.rejected, pair.chosen)
        criteria = criteria_of(self.prompt_mode, pair.criterion)
        return judge_request(
            f"{pair.id}\x1f{order}",
            criteria,
            pair.prompt,
            first,
            second,
            answer="text" if self.reply_tokens else "options",
            max_new_tokens=self.reply_tokens,
        )


def _combine(chosen_first: tuple[Completion, Request], rejected_first: tuple[Completion, Request]) -> PairScore:
    ahead, behind = read_verdict(*chosen_first), read_verdict(*rejected_first)
    if ahead.vote is None or behind.vote is None:
        return PairScore(missing_reason=ahead.why or behind.why)
    return PairScore.of((ahead.first + behind.second) / 2, (ahead.second + behind.first) / 2)
