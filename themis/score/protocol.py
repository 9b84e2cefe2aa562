"""The Scorer seam: preference pairs in; for each, a score of both responses or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from themis.vocabulary import Criterion

TOO_LONG = "too long"
SPECIAL_TOKEN = "special token in the text"
OUT_OF_MEMORY = "out of memory"
NOT_A_NUMBER = "not a number"
NO_GATE = "no gate token"


@dataclass(frozen=True)
class Pair:
    """A preference pair as a scorer sees it."""

    id: str
    prompt: str
    chosen: str
    rejected: str
    criterion: Criterion


@dataclass(frozen=True)
class PairScore:
    """Scores of the two responses, higher is better; both are None where `missing_reason` is set.

    `truncated` says that the model did not see the whole of the pair.
    """

    chosen: float | None = None
    rejected: float | None = None
    missing_reason: str | None = None
    truncated: bool = False

    @classmethod
    def of(cls, chosen: float, rejected: float) -> PairScore:
        """The two scores, or the reason "not a number" where one is not finite."""
        if math.isfinite(chosen) and math.isfinite(rejected):
            return cls(chosen, rejected)
        return cls(missing_reason=NOT_A_NUMBER)

    @property
    def outcome(self) -> str:
        """Whether chosen wins, ties or loses; or missing."""
        if self.missing_reason is not None:
            return "missing"
        return "tie" if self.chosen == self.rejected else "win" if self.chosen > self.rejected else "loss"


class Scorer(Protocol):
    """A reward model of any family."""

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Answer every pair once, by its id, in any order, as soon as it is done.

        A pair's score depends on no other pair beyond the rounding of a batch, and not on the order of the pairs.
        """
        ...
