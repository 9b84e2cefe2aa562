"""Baselines without a model: chance, and the longer response."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from themis.chance import uniform
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore


def load_random(options: ScorerOptions) -> RandomScorer:
    """Chance under the model's name. Raises Problem where a checkpoint is given."""
    options.without_checkpoint()
    return RandomScorer(options.seed, options.name)


def load_length(options: ScorerOptions) -> LengthScorer:
    """The length baseline. Raises Problem where a checkpoint is given."""
    options.without_checkpoint()
    return LengthScorer()


class RandomScorer:
    """A number in [0, 1) per response, a hash of (seed, model, pair, side)."""

    def __init__(self, seed: int, name: str) -> None:
        self.seed = seed
        self.name = name

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Chance scores; the expected accuracy is one half."""
        for pair in pairs:
            yield pair.id, PairScore(self._draw(pair, "chosen"), self._draw(pair, "rejected"))

    def _draw(self, pair: Pair, side: str) -> float:
        return uniform(self.seed, f"random baseline\x1f{self.name}\x1f{side}", pair.id)


class LengthScorer:
    """The number of characters of each response: longer is better."""

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Lengths in characters; equal lengths tie."""
        for pair in pairs:
            yield pair.id, PairScore(float(len(pair.chosen)), float(len(pair.rejected)))
