"""Randomness as a hash of (seed, purpose, row id): independent of order, shard and worker."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def digest(seed: int, purpose: str, row: str) -> int:
    """A 64-bit integer that depends on nothing but its three arguments."""
    text = f"{seed}\x1f{purpose}\x1f{row}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def uniform(seed: int, purpose: str, row: str) -> float:
    """A number in [0, 1) with 53 random bits."""
    return (digest(seed, purpose, row) >> 11) / float(1 << 53)


def pick(seed: int, purpose: str, row: str, items: Sequence[Item]) -> Item:
    """One of the items, each equally likely (bias below 2^-50 for any realistic length)."""
    return items[digest(seed, purpose, row) % len(items)]


def order(seed: int, purpose: str, rows: Sequence[str]) -> list[int]:
    """Positions of the rows in a shuffled order that does not depend on the order they came in."""
    return sorted(range(len(rows)), key=lambda i: (digest(seed, purpose, rows[i]), rows[i]))
