"""A cap on labelled rows that is shared out evenly over criteria and languages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from themis import chance


def within_caps(
    ids: Sequence[str],
    splits: Sequence[str],
    aspects: Sequence[str | None],
    languages: Sequence[str],
    by_term: Sequence[bool],
    caps: Mapping[str, int | None],
    seed: int,
) -> np.ndarray:
    """Which rows stay, bool [N]: those with an aspect, at most `caps[split]` per split (None: all of them).

    The groups of one (aspect, language) give a row each in turn until the cap is reached or all are empty. Inside a
    group rows reached by a term go first, then a hash of the seed decides; so it does among the groups of a last turn
    that is not full.
    """
    kept = np.zeros(len(ids), bool)
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at, (split, aspect, language) in enumerate(zip(splits, aspects, languages, strict=True)):
        kept[at] = aspect is not None and caps.get(split) is None
        if aspect is not None and not kept[at]:
            groups[split, aspect, language].append(at)
    turns: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for (split, aspect, language), members in groups.items():
        order = chance.order(seed, "aspects/cap", [ids[at] for at in members])
        order = [p for p in order if by_term[members[p]]] + [p for p in order if not by_term[members[p]]]
        for turn, place in enumerate(order):
            tie = chance.digest(seed, f"aspects/turn/{turn}", f"{aspect}/{language}")
            turns[split].append((turn, tie, members[place]))
    for split, rows in turns.items():
        kept[[at for _, _, at in sorted(rows)[: caps[split]]]] = True
    return kept
