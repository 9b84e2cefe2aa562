"""Which system prompt a training pair is shown: none, all criteria in a shuffled order, or its own criterion."""

from __future__ import annotations

from dataclasses import dataclass

from themis import chance
from themis.errors import Problem
from themis.prompting.criteria import system_prompt
from themis.vocabulary import CODE_CRITERIA, Criterion


@dataclass(frozen=True)
class Shares:
    """How often each kind of system prompt is drawn (paper section 4.2: 15 %, 20 %, 65 %). Raises Problem."""

    none: float
    all: float
    single: float

    def __post_init__(self) -> None:
        shares = (self.none, self.all, self.single)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise Problem(
                f"shares of system prompts: none {self.none:g}, all {self.all:g}, single {self.single:g}"
                f" are not shares that sum to 1"
            )


def draw(shares: Shares, seed: int, idx: str, criterion: Criterion) -> str | None:
    """The system prompt of the pair `idx`; depends on the seed and `idx` alone, whatever other pairs there are."""
    drawn = chance.uniform(seed, "system prompt", idx)
    if drawn < shares.none:
        return None
    if drawn < shares.none + shares.all:
        order = chance.order(seed, f"order of criteria, {idx}", [one.value for one in CODE_CRITERIA])
        return system_prompt([CODE_CRITERIA[at] for at in order])
    return system_prompt([criterion])
