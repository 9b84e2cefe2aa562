"""One repository's events in order: improvements, the commits that first add their files, and the noise between."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from themis import chance
from themis.demo.chronicle import Chronicle
from themis.demo.improvements import Improvement
from themis.demo.noise import Event

_LEAST_NOISE = 6
_BATCH = 3  # source files that one commit adds
_COMMITS_PER_IMPROVEMENT = 1.9  # with its share of merges and of the commit that adds the file
_COMMITS_PER_NOISE = 1.35


@dataclass(frozen=True)
class Planned:
    """An improvement's text with the kind it is listed under, and the position of the one it repeats, if any."""

    item: Improvement
    kind: str
    repeats: int | None = None


def tell(chronicle: Chronicle, planned: Sequence[Planned], noise: Iterator[Event], commits: int) -> None:
    """Play the planned improvements and as much noise as makes for this many own commits, or a few more."""
    missing = commits - _COMMITS_PER_IMPROVEMENT * len(planned)
    events = [next(noise) for _ in range(max(_LEAST_NOISE, math.ceil(missing / _COMMITS_PER_NOISE)))]
    waiting = _shuffled(chronicle, planned, events)
    for position, event in enumerate(waiting):
        if not isinstance(event, Planned):
            event(chronicle)
            continue
        if event.item.path not in chronicle.history.tree:
            coming = [later.item for later in waiting[position:] if isinstance(later, Planned)]
            new = [item for item in coming if item.path not in chronicle.history.tree]
            chronicle.add_together({item.path: item.worse.encode() for item in new[:_BATCH]})
        chronicle.improve(event.item, event.kind)
    while len(chronicle.history.commits) - chronicle.history.shared < commits:
        next(noise)(chronicle)


def _shuffled(chronicle: Chronicle, planned: Sequence[Planned], events: Sequence[Event]) -> list[Planned | Event]:
    """Everything in a shuffled order, in which what repeats an improvement comes after it."""
    project = chronicle.project
    firsts = [one for one in planned if one.repeats is None]
    everything: list[Planned | Event] = [*firsts, *events]
    names = [f"{project.name} {position}" for position in range(len(everything))]
    ordered = [everything[i] for i in chance.order(project.seed, "events", names)]
    for again in planned:
        if again.repeats is not None:
            after = ordered.index(planned[again.repeats]) + 1
            ordered.insert(project.choose("place of a repetition", range(after, len(ordered) + 1)), again)
    return ordered
