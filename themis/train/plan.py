"""Who computes what: pairs to optimiser steps, a step's pairs to processes and micro-batches. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from themis import chance
from themis.prompting import packing


@dataclass(frozen=True)
class Micro:
    """Pairs of one forward pass; with weight 0 only to take part in the collectives."""

    pairs: tuple[int, ...]
    weight: float


def steps_per_epoch(pairs: int, batch_pairs: int) -> int:
    """Optimiser steps of one pass; the last may hold fewer pairs."""
    return -(-pairs // batch_pairs)


def epoch_steps(rows: Sequence[str], batch_pairs: int, epoch: int, seed: int) -> list[list[int]]:
    """The pairs (positions in `rows`) of every step of an epoch, in an order that hangs on seed, epoch and row id only."""
    order = chance.order(seed, f"epoch{epoch}", rows)
    return [order[start : start + batch_pairs] for start in range(0, len(order), batch_pairs)]


def deal(pairs: Sequence[int], lengths: Sequence[int], processes: int, budget: int) -> list[list[Micro]]:
    """Micro-batches of every process, equally many for each; `lengths` are tokens, per pair of the whole set.

    Pairs are dealt longest first, back and forth, so that processes get about the same work in the same round. FSDP's
    collectives need every process in every round: one without work repeats the step's shortest pair with weight 0.
    """
    longest_first = sorted(pairs, key=lambda pair: (-lengths[pair], pair))
    hands: list[list[int]] = [[] for _ in range(processes)]
    for position, pair in enumerate(longest_first):
        turn = position % (2 * processes)
        hands[turn if turn < processes else 2 * processes - 1 - turn].append(pair)
    dealt = [
        [
            Micro(tuple(hand[i] for i in group), 1.0)
            for group in packing.packed_batches([lengths[pair] for pair in hand], budget)
        ]
        for hand in hands
    ]
    rounds = max(len(batches) for batches in dealt)
    idle = Micro((longest_first[-1],), 0.0)
    return [batches + [idle] * (rounds - len(batches)) for batches in dealt]
