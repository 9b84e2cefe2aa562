"""MinHash near-duplicates: two engines sign, bands propose, exact Jaccard similarity decides."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Literal

import numpy as np
import pyarrow as pa

from themis.errors import Problem
from themis.similarity.bands import bands_and_rows, candidates
from themis.similarity.clusters import Forest
from themis.similarity.shingles import Shingles, Texts, as_array, parts, shingle_hashes, words

__all__ = ["Engine", "duplicate_clusters", "duplicate_pairs", "jaccard", "signatures", "words"]

Engine = Literal["rensa", "datasketch"]

_SEED = 77  # of the permutations; verification makes the result all but independent of it
_FIRST_BATCH, _LAST_BATCH = 1 << 10, 1 << 20
_FALSE_POSITIVE_WEIGHT = 0.05  # verification undoes a false positive; nothing undoes a false negative


def signatures(
    texts: Texts, shingle: int, permutations: int, seed: int = _SEED, engine: Engine = "rensa"
) -> np.ndarray:
    """MinHash signatures, uint32 [N, permutations]. A text without a word has all values at the maximum.

    `rensa` is R-MinHash in Rust; `datasketch` is the reference (its affine32 scheme). The engines' values differ,
    the share of equal values estimates the Jaccard similarity of the shingle sets in both.
    """
    blocks = [_sign(shingle_hashes(part, shingle), permutations, seed, engine) for part in parts(as_array(texts))]
    return np.concatenate([np.zeros((0, permutations), np.uint32), *blocks])


def duplicate_pairs(
    texts: Texts, threshold: float, shingle: int, permutations: int, engine: Engine = "rensa", threads: int = 1
) -> list[tuple[int, int, float]]:
    """All pairs (i, j, Jaccard similarity), i < j, of similarity >= threshold that the bands propose, sorted.

    Every pair is verified on the exact shingle sets. Texts without a word are never duplicates. The list is
    quadratic in the size of a group of duplicates; `duplicate_clusters` is not.
    """
    groups = _Groups(texts, threshold, shingle, permutations, engine, threads)
    found = [(i, j, 1.0) for members in groups.members for at, i in enumerate(members) for j in members[at + 1 :]]
    keys = np.unique(np.concatenate([np.zeros(0, np.int64), *groups.candidates()]))
    for one, other, value in zip(*groups.split(keys), groups.similarity(keys), strict=True):
        if value >= threshold:
            found += [(min(i, j), max(i, j), float(value)) for i in groups.members[one] for j in groups.members[other]]
    return sorted(found)


def duplicate_clusters(
    texts: Texts, threshold: float, shingle: int, permutations: int, engine: Engine = "rensa", threads: int = 1
) -> np.ndarray:
    """The smallest index of each text's duplicate cluster, int64 [N].

    Equals `clusters(N, duplicate_pairs(...))`, but a candidate whose ends are connected already is not verified.
    """
    groups = _Groups(texts, threshold, shingle, permutations, engine, threads)
    forest = Forest(groups.texts)
    for members in groups.members:
        for member in members[1:]:
            forest.join(members[0], member)
    lowest = np.array([members[0] for members in groups.members], np.int64)
    labels = lowest.copy()
    refused = np.zeros(0, np.int64)
    for keys in groups.candidates(labels):
        keys = np.setdiff1d(keys, refused, assume_unique=True)
        similar = groups.similarity(keys) >= threshold
        refused = np.union1d(refused, keys[~similar])
        one, other = groups.split(keys[similar])
        for i, j in zip(lowest[one].tolist(), lowest[other].tolist(), strict=True):
            forest.join(i, j)
        labels[:] = forest.labels()[lowest]
    return forest.labels()


def jaccard(first: str, second: str, shingle: int) -> float:
    """The exact Jaccard similarity of two texts' shingle sets; 0 where either has no word."""
    sets = shingle_hashes([first, second], shingle)
    return _overlap(sets.distinct(0), sets.distinct(1))


class _Groups:
    """Texts with the same shingles taken as one; candidate pairs of such groups and their exact similarity.

    A pair of groups (i, j), i < j, is the key i x (number of groups) + j.
    """

    def __init__(
        self, texts: Texts, threshold: float, shingle: int, permutations: int, engine: Engine, threads: int
    ) -> None:
        self._array, self._shingle = as_array(texts), shingle
        self.texts = len(self._array)

        def work(part: pa.Array) -> tuple[np.ndarray, np.ndarray]:
            hashed = shingle_hashes(part, shingle)
            return _fingerprints(hashed), _sign(hashed, permutations, _SEED, engine)

        sums, blocks = [np.zeros(0, np.uint64)], [np.zeros((0, permutations), np.uint32)]
        with ThreadPoolExecutor(max_workers=threads) as pool:
            for fingerprints, block in pool.map(work, parts(self._array)):
                sums.append(fingerprints)
                blocks.append(block)
        self.members = _same(np.concatenate(sums))
        self._signatures = np.concatenate(blocks)[[members[0] for members in self.members]]
        self._bands = bands_and_rows(threshold, permutations, _FALSE_POSITIVE_WEIGHT)
        self._sets: dict[int, np.ndarray] = {}

    def candidates(self, labels: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Batches of sorted distinct keys of candidate pairs; two batches may share keys.

        Pairs whose groups have the same label at that moment are left out. The batches grow from a thousand pairs to
        a million: once the caller has joined the first few of a large bucket, the rest of it is left out unseen.
        """
        blocks, size, batch = [], 0, _FIRST_BATCH
        for one, other in candidates(self._signatures, *self._bands):
            if labels is not None:
                apart = labels[one] != labels[other]
                one, other = one[apart], other[apart]
            blocks.append(np.minimum(one, other) * len(self.members) + np.maximum(one, other))
            size += len(one)
            if size >= batch:
                yield np.unique(np.concatenate(blocks))
                blocks, size, batch = [], 0, min(2 * batch, _LAST_BATCH)
        if size:
            yield np.unique(np.concatenate(blocks))

    def split(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two groups of each key."""
        return np.divmod(keys, max(len(self.members), 1))

    def similarity(self, keys: np.ndarray) -> np.ndarray:
        """The exact Jaccard similarity of each key's pair, float64 [m]."""
        one, other = self.split(keys)
        self._load(np.union1d(one, other).tolist())
        values = (_overlap(self._sets[i], self._sets[j]) for i, j in zip(one.tolist(), other.tolist(), strict=True))
        return np.fromiter(values, np.float64, len(keys))

    def _load(self, groups: list[int]) -> None:
        """Hash again the texts that became candidates; the shingles of all others are never kept."""
        new = [group for group in groups if group not in self._sets]
        texts = self._array.take(pa.array([self.members[group][0] for group in new], pa.int64()))
        sets = shingle_hashes(texts, self._shingle)
        for at, group in enumerate(new):
            self._sets[group] = sets.distinct(at)


def _same(fingerprints: np.ndarray) -> list[list[int]]:
    """Groups of texts of one fingerprint, in the order of their first members; 0 is no text and in no group."""
    groups: dict[int, list[int]] = {}
    for at, fingerprint in enumerate(fingerprints.tolist()):
        if fingerprint:
            groups.setdefault(fingerprint, []).append(at)
    return list(groups.values())


def _fingerprints(part: Shingles) -> np.ndarray:
    """One number per text for its shingles with their counts, uint64 [N]; 0 where it has none."""
    total = np.zeros(len(part), np.uint64)
    filled = np.diff(part.offsets) > 0
    total[filled] = np.add.reduceat(part.hashes, part.offsets[:-1][filled]) if filled.any() else 0
    return total


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard similarity of two sorted sets; 0 where both are empty."""
    if len(one) > len(other):
        one, other = other, one
    if not len(one):
        return 0.0
    at = np.searchsorted(other, one)
    shared = int(np.count_nonzero(other[np.minimum(at, len(other) - 1)] == one))
    return shared / (len(one) + len(other) - shared)


def _sign(part: Shingles, permutations: int, seed: int, engine: Engine) -> np.ndarray:
    if engine == "rensa":
        from rensa import RMinHash

        rows = RMinHash.digest_matrix_from_flat_token_hashes(
            part.hashes, part.offsets.astype(np.uint64), permutations, seed
        ).to_rows()
        flat = np.fromiter(chain.from_iterable(rows), np.uint32, len(part) * permutations)
        return flat.reshape(len(part), permutations)
    if engine == "datasketch":
        from datasketch import MinHash

        short = (part.hashes >> np.uint64(32)).astype(np.uint32)
        empty = MinHash(num_perm=permutations, seed=seed, hashfunc=int, scheme="affine32")
        block = np.zeros((len(part), permutations), np.uint32)
        for at in range(len(part)):
            sketch = empty.copy()
            sketch.update_batch(short[part.offsets[at] : part.offsets[at + 1]])
            block[at] = sketch.hashvalues
        return block
    raise Problem(f"dedup.engine: {engine} is not rensa or datasketch")
