"""Locality-sensitive hashing: documents that agree in a band of their MinHash signatures share a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from themis.similarity.shingles import mix


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


def band_keys(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """One 64-bit number per band and document, uint64 [bands, N]: equal where all rows of the band are equal.

    Unequal bands have equal keys with probability 2^-64.
    """
    blocks = signatures[:, : bands * rows].reshape(len(signatures), bands, rows)
    keys = np.zeros((len(signatures), bands), np.uint64)
    for row in range(rows):
        keys = mix(keys + blocks[:, :, row])
    return keys.T


def buckets(keys: np.ndarray, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The documents that share their key with another, by bucket and number, int64, and the bucket of each, int64.

    `documents` are the numbers of the documents that have these keys. Buckets count from 0.
    """
    order = np.argsort(keys)
    keys = keys[order]
    equal = keys[1:] == keys[:-1]
    shared = np.zeros(len(keys), bool)
    shared[1:] |= equal
    shared[:-1] |= equal
    bucket = np.cumsum(np.diff(keys[shared], prepend=np.uint64(0)) != 0)
    bucket -= bucket[:1].sum()
    members = documents[order[shared]]
    order = np.lexsort((members, bucket))
    return members[order], bucket[order]


def neighbours(bucket: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions (i, j), i < j, of the pairs within the buckets, by their distance j - i."""
    at = np.arange(len(bucket))
    for distance in range(1, len(bucket)):
        at = at[at + distance < len(bucket)]
        at = at[bucket[at] == bucket[at + distance]]
        if not len(at):
            break
        yield at, at + distance
