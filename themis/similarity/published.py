"""MinHash as the published system computed it: its tokens, hash, permutations and arithmetic, to the bit."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import pyarrow as pa

from themis.similarity.shingles import body_and_bounds, is_word

_SEED = 77
_PRIME = np.uint64((1 << 61) - 1)
_LARGEST = np.uint64(0xFFFFFFFF)
_BLOCK = 512  # n-grams permuted at a time: the working array stays in the processor's cache


def published_signatures(texts: pa.Array, ngram: int, permutations: int) -> np.ndarray:
    """Signatures of large strings, uint32 [N, permutations] (protocol 1.5 of the reference system).

    Every character outside [A-Za-z0-9_] ends a token, so that tokens may be empty. An n-gram is hashed by the first four
    bytes of its SHA-1; permutation k takes h to ((a h + b) mod 2^64 mod 2^61 - 1) mod 2^32. A text of fewer tokens than
    `ngram` has none, and the largest number in every place: all such texts are alike.
    """
    hashes, counts = _ngram_hashes(*body_and_bounds(texts), ngram)
    factors, shifts = _permutations(permutations)
    owners = np.repeat(np.arange(len(texts)), counts)
    signatures = np.full((len(texts), permutations), _LARGEST)
    for first in range(0, len(hashes), _BLOCK):
        permuted = _modulo_prime(hashes[first : first + _BLOCK, None] * factors + shifts) & _LARGEST
        documents, starts = np.unique(owners[first : first + _BLOCK], return_index=True)
        least = np.minimum.reduceat(permuted, starts)
        signatures[documents] = np.minimum(signatures[documents], least)
    return signatures.astype(np.uint32)


@lru_cache(maxsize=4)
def _permutations(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors and shifts, uint64 [count] each, drawn in turn."""
    draw = np.random.RandomState(_SEED)
    pairs = [
        (draw.randint(1, int(_PRIME), dtype=np.uint64), draw.randint(0, int(_PRIME), dtype=np.uint64))
        for _ in range(count)
    ]
    factors, shifts = np.array(pairs, np.uint64).T
    return factors, shifts


def _ngram_hashes(body: np.ndarray, bounds: np.ndarray, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of each text's distinct n-grams, uint64, and how many each has, int64 [N]."""
    found, counts = [], []
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        text = body[first:last]
        text = text[(text & 0xC0) != 0x80]  # a character of several bytes is one separator
        word = is_word(text)
        joined = np.where(word, text, ord(" ")).astype(np.uint8).tobytes()  # tokens joined by blanks
        cuts = np.concatenate([[-1], np.flatnonzero(~word), [len(text)]])
        spans = zip((cuts[:-ngram] + 1).tolist(), cuts[ngram:].tolist(), strict=True)
        ngrams = {joined[start:end] for start, end in spans}
        found += [hashlib.sha1(run, usedforsecurity=False).digest()[:4] for run in ngrams]
        counts.append(len(ngrams))
    return np.frombuffer(b"".join(found), "<u4").astype(np.uint64), np.array(counts, np.int64)


def _modulo_prime(values: np.ndarray) -> np.ndarray:
    """values mod 2^61 - 1 without a division."""
    values = (values & _PRIME) + (values >> np.uint64(61))
    return np.where(values >= _PRIME, values - _PRIME, values)
