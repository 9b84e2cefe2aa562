"""Locality-sensitive hashing: candidate pairs from the bands of MinHash signatures, by sorting."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

_MIXER = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=64)
def bands_and_rows(threshold: float, permutations: int, weight: float = 0.5) -> tuple[int, int]:
    """The split of a signature into bands x rows with the least expected error.

    The error is weight x (integral of P over [0, threshold], false positives) + (1 - weight) x (integral of 1 - P
    over [threshold, 1], false negatives), where P(s) = 1 - (1 - s^rows)^bands is the chance that two documents of
    similarity s share a band (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4).
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    best = (np.inf, 1, 1)
    for bands in range(1, permutations + 1):
        rows = np.arange(1, permutations // bands + 1)[:, None]
        below, above = threshold * (nodes + 1) / 2, threshold + (1 - threshold) * (nodes + 1) / 2
        false_positive = (1 - (1 - below**rows) ** bands) @ weights * threshold / 2
        false_negative = ((1 - above**rows) ** bands) @ weights * (1 - threshold) / 2
        error = weight * false_positive + (1 - weight) * false_negative
        least = int(error.argmin())
        if error[least] < best[0] - 1e-12:
            best = (float(error[least]), bands, least + 1)
    return best[1], best[2]


def candidates(signature: np.ndarray, bands: int, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks (i, j), i < j, of the pairs that agree in all rows of a band; a pair comes once per band it agrees in.

    Each band is one sort. The pairs of a bucket come by their distance in it, so that no block is larger than the
    signature matrix is long, however large a bucket is.
    """
    for band in range(bands):
        keys = _keys(signature[:, band * rows : (band + 1) * rows])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        at = np.arange(len(keys))
        for distance in range(1, len(keys)):
            at = at[at + distance < len(keys)]
            at = at[keys[at] == keys[at + distance]]
            if not len(at):
                break
            yield order[at], order[at + distance]


def _keys(block: np.ndarray) -> np.ndarray:
    """One 64-bit number per row of the block; a chance collision only makes a candidate that verification refuses."""
    keys = np.zeros(len(block), np.uint64)
    for column in block.T:
        keys = (keys ^ column.astype(np.uint64)) * _MIXER
        keys ^= keys >> np.uint64(29)
    return keys
