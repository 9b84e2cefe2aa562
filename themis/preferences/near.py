"""Near-duplicates of training pairs: of one another within a source, and of the benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis.similarity.bands import band_keys
from themis.similarity.clustering import Documents, duplicate_clusters
from themis.similarity.sets import distinct, similarities
from themis.similarity.shingles import Texts, as_array
from themis.similarity.signatures import Method, sign


def documents(prompts: Texts, chosen: Texts) -> pa.ChunkedArray:
    """What stands for a pair when pairs are compared: its prompt and its chosen response."""
    return pc.binary_join_element_wise(as_array(prompts), as_array(chosen), pa.scalar("\n", pa.large_string()))


def repeated(
    batches: Iterable[tuple[Texts, np.ndarray]], count: int, method: Method, scratch: Path, threads: int = 1
) -> np.ndarray:
    """Which of `count` documents are near-duplicates, directly or through others, of an earlier one of their source,
    bool [count].

    A batch is some documents in their order and the number of each one's source, uint64. Memory does not grow with the
    texts (`themis.similarity.clustering`).
    """
    wanted = (Documents(texts, sources, np.ones(len(texts), bool)) for texts, sources in batches)
    labels, _ = duplicate_clusters(wanted, count, method, scratch, threads=threads)
    return labels != np.arange(count)


class Neighbours:
    """Texts whose near-duplicates are looked for. Candidates by MinHash are compared exactly."""

    def __init__(self, texts: Texts, method: Method) -> None:
        self._method = method
        self._count = len(texts)
        if not self._count:
            return
        signed = sign(texts, method)
        self._values, self._sizes = distinct(signed.shingles)
        keys = band_keys(signed.signatures, *method.bands)
        self._order = np.argsort(keys, axis=1, kind="stable")
        self._keys = np.take_along_axis(keys, self._order, axis=1)

    def close_to(self, texts: Texts) -> np.ndarray:
        """Which texts are near-duplicates of one of these, bool [N]."""
        close = np.zeros(len(texts), bool)
        if not self._count or not len(texts):
            return close
        signed = sign(texts, self._method)
        keys = band_keys(signed.signatures, *self._method.bands)
        pairs = np.unique(np.concatenate([self._candidates(band, row) for band, row in enumerate(keys)]))
        one, other = np.divmod(pairs, self._count)
        values, sizes = distinct(signed.shingles)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate([self._sizes, sizes]))])
        similar = similarities(np.concatenate([self._values, values]), offsets, other, self._count + one)
        close[one[similar >= self._method.threshold]] = True
        return close

    def _candidates(self, band: int, keys: np.ndarray) -> np.ndarray:
        """The pairs of a text and one of these that have their key in common, each as one number."""
        first, last = (np.searchsorted(self._keys[band], keys, side) for side in ("left", "right"))
        counts = last - first
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        other = self._order[band][np.repeat(first, counts) + within]
        return np.repeat(np.arange(len(keys)), counts) * self._count + other
