"""Near-duplicate pairs among texts held in memory: bands propose, exact Jaccard similarity decides."""

from __future__ import annotations

import numpy as np

from themis.similarity.bands import band_keys, buckets, neighbours
from themis.similarity.sets import distinct, similarities
from themis.similarity.shingles import Texts, shingle_hashes
from themis.similarity.signatures import Method, sign


def duplicate_pairs(texts: Texts, method: Method) -> list[tuple[int, int, float]]:
    """All pairs (i, j, Jaccard similarity), i < j, of at least the threshold that the bands propose, sorted.

    Every pair is verified on the exact shingle sets, whatever the method says of that. The list is quadratic in the size
    of a group of duplicates; `themis.similarity.clustering` is not.
    """
    signed = sign(texts, method)
    _, firsts, groups = np.unique(signed.fingerprints, return_index=True, return_inverse=True)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    found = [(i, j, 1.0) for group in members for at, i in enumerate(group.tolist()) for j in group[at + 1 :].tolist()]
    keys = band_keys(signed.signatures[firsts], *method.bands)
    proposed = np.unique(np.concatenate([np.zeros(0, np.int64), *map(_proposed, keys)]))
    one, other = np.divmod(proposed, max(len(firsts), 1))
    values, sizes = distinct(signed.shingles)
    similar = similarities(values, np.concatenate([[0], np.cumsum(sizes)]), firsts[one], firsts[other])
    for at in np.flatnonzero(similar >= method.threshold).tolist():
        pairs = [(i, j) for i in members[one[at]].tolist() for j in members[other[at]].tolist()]
        found += [(min(pair), max(pair), float(similar[at])) for pair in pairs]
    return sorted(found)


def jaccard(first: str, second: str, shingle: int) -> float:
    """The exact Jaccard similarity of two texts' shingle sets."""
    values, sizes = distinct(shingle_hashes([first, second], shingle))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return float(similarities(values, offsets, np.array([0]), np.array([1]))[0])


def _proposed(keys: np.ndarray) -> np.ndarray:
    """The pairs (i, j), i < j, that share a key, each as the number i x (number of keys) + j."""
    members, bucket = buckets(keys, np.arange(len(keys)))
    pairs = [members[one] * len(keys) + members[other] for one, other in neighbours(bucket)]
    return np.concatenate([np.zeros(0, np.int64), *pairs])
