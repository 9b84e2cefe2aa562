"""The exact Jaccard similarity of many pairs of shingle sets at once."""

from __future__ import annotations

import numpy as np

from themis.similarity.shingles import Shingles

_OWNERS = 1 << 16  # documents or pairs told apart at a time: the upper 16 of 64 bits
_DROPPED = np.uint64(16)
_VALUES = 1 << 15  # hashes of pairs compared at a time: the working arrays stay in the processor's cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def distinct(hashed: Shingles) -> tuple[np.ndarray, np.ndarray]:
    """The sets of all documents' shingles one after the other, uint64, and the size of each, int64 [N].

    A shingle is the upper 48 bits of its hash: two sets of a thousand shingles share one by chance with probability
    4e-9.
    """
    values, sizes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for first in range(0, len(hashed), _OWNERS):
        offsets = hashed.offsets[first : first + _OWNERS + 1]
        kept = hashed.hashes[offsets[0] : offsets[-1]] >> _DROPPED
        new = _first_of_equals(kept | _owners(np.diff(offsets)))
        values.append(kept[new])
        sizes.append(np.add.reduceat(new, offsets[:-1] - offsets[0], dtype=np.int64))
    return np.concatenate(values), np.concatenate(sizes)


def similarities(values: np.ndarray, offsets: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The Jaccard similarity of the sets numbered `one[k]` and `other[k]`, float64 [m]; none may be empty.

    Set i is `values[offsets[i]:offsets[i + 1]]`, as `distinct` makes it; `values` may lie on disk.
    """
    sizes = offsets[one + 1] - offsets[one] + offsets[other + 1] - offsets[other]
    ends = np.cumsum(sizes)
    found = np.zeros(len(one))
    first = 0
    while first < len(one):
        done = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, done + _VALUES, side="right"))
        part = slice(first, max(first + 1, min(last, first + _OWNERS)))
        found[part] = _similarities(values, offsets, one[part], other[part])
        first = part.stop
    return found


def _similarities(values: np.ndarray, offsets: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    sets = np.stack([one, other], axis=1).ravel()
    sizes = offsets[sets + 1] - offsets[sets]
    of_pair = sizes.reshape(-1, 2).sum(axis=1)
    ends = np.cumsum(sizes)
    at = np.arange(ends[-1]) + np.repeat(offsets[sets] - (ends - sizes), sizes)
    new = _first_of_equals(values[at] | _owners(of_pair))
    either = np.add.reduceat(new, (ends - sizes)[::2], dtype=np.int64)
    return (of_pair - either) / either


def _owners(counts: np.ndarray) -> np.ndarray:
    """The number of each value's owner in the upper 16 bits, for owners with so many values each."""
    return np.repeat(np.arange(len(counts), dtype=np.uint64) << np.uint64(48), counts)


def _first_of_equals(values: np.ndarray) -> np.ndarray:
    """True for one of the equal values, False for the others: a hash table, several times as fast as a sort."""
    bits = len(values).bit_length() + 2
    slots = ((values * _GOLDEN) >> np.uint64(64 - bits)).view(np.int64)
    table = np.empty(1 << bits, np.int64)
    chosen = np.zeros(len(values), bool)
    table[slots] = np.arange(len(values))
    holder = table.take(slots)
    chosen[holder] = True
    left = np.flatnonzero(values.take(holder) != values)  # their slot is another value's: they share it in turns
    while len(left):
        table[slots[left]] = left
        holder = table[slots[left]]
        chosen[holder] = True
        left = left[values[holder] != values[left]]
    return chosen
