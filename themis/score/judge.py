"""A language model as generative judge: each pair is shown in both orders, and probabilities are read, not texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from themis.generation.protocol import Completion, Generator, Request
from themis.prompting.criteria import criteria_of
from themis.prompting.judging import judge_request, read_verdict
from themis.score.protocol import Pair, PairScore


class JudgeScorer:
    """Scores are the judge's probability that the response is the better one, averaged over both orders.

    The probability of a tie goes to neither, and a judge that looks at the position alone ties.
    """

    def __init__(self, generator: Generator, prompt_mode: str) -> None:
        self.generator = generator
        self.prompt_mode = prompt_mode

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Ask about every pair twice; a pair with one order unanswered is missing for that reason."""
        asked: dict[str, tuple[str, bool]] = {}
        requests: list[Request] = []
        for pair in pairs:
            for chosen_first in (True, False):
                request = self._request(pair, chosen_first=chosen_first)
                asked[request.key] = (pair.id, chosen_first)
                requests.append(request)
        waiting: dict[str, tuple[bool, Completion]] = {}
        for completion in self.generator.generate(requests):
            row, chosen_first = asked[completion.key]
            if row not in waiting:
                waiting[row] = (chosen_first, completion)
                continue
            _, other = waiting.pop(row)
            yield row, _combine(completion, other) if chosen_first else _combine(other, completion)

    def _request(self, pair: Pair, *, chosen_first: bool) -> Request:
        order = "chosen first" if chosen_first else "rejected first"
        first, second = (pair.chosen, pair.rejected) if chosen_first else (pair.rejected, pair.chosen)
        criteria = criteria_of(self.prompt_mode, pair.criterion)
        return judge_request(f"{pair.id}\x1f{order}", criteria, pair.prompt, first, second)


def _combine(chosen_first: Completion, rejected_first: Completion) -> PairScore:
    ahead, behind = read_verdict(chosen_first), read_verdict(rejected_first)
    if ahead.vote is None or behind.vote is None:
        return PairScore(missing_reason=ahead.why or behind.why)
    return PairScore.of((ahead.first + behind.second) / 2, (ahead.second + behind.first) / 2)
