"""Which system prompt a training pair is shown: none, all criteria, its own criterion, or its own among some others."""

from __future__ import annotations

from dataclasses import dataclass

from themis import chance
from themis.errors import Problem
from themis.prompting.criteria import all_criteria, system_prompt
from themis.vocabulary import Criterion


@dataclass(frozen=True)
class Shares:
    """How often each kind of system prompt is drawn (paper section 4.2: 15 %, 20 %, 65 %). Raises Problem."""

    none: float
    all: float
    single: float
    subset: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.none, self.all, self.single, self.subset)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise Problem(
                f"shares of system prompts: none {self.none:g}, all {self.all:g}, single {self.single:g},"
                f" subset {self.subset:g} are not shares that sum to 1"
            )


def draw(shares: Shares, seed: int, idx: str, criterion: Criterion) -> str | None:
    """The system prompt of the pair `idx`; depends on the seed and `idx` alone, whatever other pairs there are.

    Several criteria stand in an order of chance. A subset is the pair's criterion and one or more of the others, every
    size but all of them equally likely.
    """
    drawn = chance.uniform(seed, "system prompt", idx)
    if drawn < shares.none:
        return None
    criteria = all_criteria(criterion)
    if drawn < shares.none + shares.all:
        return system_prompt(_shuffled(seed, "order of criteria", idx, criteria))
    if drawn < shares.none + shares.all + shares.subset:
        others = _shuffled(seed, "other criteria", idx, [one for one in criteria if one is not criterion])
        count = chance.pick(seed, "number of criteria", idx, range(1, len(others)))
        return system_prompt(_shuffled(seed, "order of criteria", idx, [criterion, *others[:count]]))
    return system_prompt([criterion])


def _shuffled(seed: int, purpose: str, idx: str, criteria: list[Criterion] | tuple[Criterion, ...]) -> list[Criterion]:
    order = chance.order(seed, f"{purpose}, {idx}", [one.value for one in criteria])
    return [criteria[at] for at in order]
