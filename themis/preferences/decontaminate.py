"""Decontamination: which texts share a run of words with the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from themis.similarity.shingles import shingle_hashes

_WORD = r"[A-Za-z0-9_]+"
_BLOCK = 4096  # texts whose hashes are held at a time
_BITS = 24
_LAST = np.uint64((1 << _BITS) - 1)


def overlapping(texts: Sequence[str], reference: Sequence[str], words: int) -> np.ndarray:
    """Which texts share a run of `words` consecutive words with any reference text, bool [N].

    A word is a run of [A-Za-z0-9_], lower-cased; a text of fewer words shares nothing. Runs are compared by 64-bit
    hashes. The paper drops a training pair whose prompt shares 13 words with a benchmark prompt (appendix B.3, p. 46).
    """
    shared = np.zeros(len(texts), bool)
    known = np.sort(np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _ in _runs(reference, words))]))
    if not len(known):
        return shared
    possible = np.zeros(1 << _BITS, bool)  # most hashes are ruled out by their last bits, without a search
    possible[known & _LAST] = True
    for hashes, owners in _runs(texts, words):
        at = np.flatnonzero(possible[hashes & _LAST])
        hashes, owners = hashes[at], owners[at]
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        shared[owners[known[places] == hashes]] = True
    return shared


def _runs(texts: Sequence[str], words: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hashes of the runs of words, and the position of the text each is in, some documents at a time."""
    column = pl.Series(texts, dtype=pl.String)
    long_enough = np.flatnonzero(column.str.count_matches(_WORD).to_numpy() >= words)
    lowered = pc.ascii_lower(column.gather(long_enough).to_arrow().cast(pa.large_string()))
    for first in range(0, len(long_enough), _BLOCK):
        part = shingle_hashes(lowered.slice(first, _BLOCK), words)
        yield part.hashes, np.repeat(long_enough[first : first + _BLOCK], np.diff(part.offsets))
