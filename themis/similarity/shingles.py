"""Documents as sets of word shingles, hashed over one byte buffer with numpy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

Texts = Sequence[str] | pa.Array | pa.ChunkedArray

_WORD = re.compile(r"[A-Za-z0-9_]+")
_CHUNK_BYTES = 1 << 18
_LONG = 256
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # of the first bytes of a load


@dataclass(frozen=True)
class Shingles:
    """Shingle hashes of N documents: document i has `hashes[offsets[i]:offsets[i + 1]]`, repeated shingles included."""

    hashes: np.ndarray  # uint64
    offsets: np.ndarray  # int64, N + 1

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def distinct(self, document: int) -> np.ndarray:
        """The sorted set of one document's shingle hashes."""
        return np.unique(self.hashes[self.offsets[document] : self.offsets[document + 1]])


def words(text: str) -> list[str]:
    """The runs of [A-Za-z0-9_] in a text, in order."""
    return _WORD.findall(text)


def as_array(texts: Texts) -> pa.ChunkedArray:
    """The texts as one chunked Arrow array of large strings; Arrow input is not copied where it has that type."""
    if isinstance(texts, pa.ChunkedArray):
        return texts.cast(pa.large_string())
    if isinstance(texts, pa.Array):
        return pa.chunked_array([texts.cast(pa.large_string())])
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def shingle_hashes(texts: Texts, shingle: int) -> Shingles:
    """64-bit hashes of every run of `shingle` consecutive words of each text.

    A shorter text has one shingle, all its words; a text without a word has none. Equal shingles have equal hashes
    in every run and on every machine; unequal ones collide with probability 2^-64.
    """
    hashed = [_hash_part(part, shingle) for part in parts(as_array(texts))]
    counts = [np.diff(part.offsets) for part in hashed]
    offsets = np.zeros(sum(map(len, counts)) + 1, np.int64)
    np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]), out=offsets[1:])
    return Shingles(np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in hashed)]), offsets)


def parts(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Slices of whole documents, each small enough that the working arrays stay in the processor's cache."""
    for chunk in filter(len, texts.chunks):
        offsets = _offsets(chunk)
        first = 0
        while first < len(chunk):
            last = int(np.searchsorted(offsets, offsets[first] + _CHUNK_BYTES, side="right")) - 1
            last = min(max(last, first + 1), len(chunk))
            yield chunk.slice(first, last - first)
            first = last


def _offsets(texts: pa.Array) -> np.ndarray:
    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _hash_part(texts: pa.Array, shingle: int) -> Shingles:
    bounds = _offsets(texts)
    data = texts.buffers()[2]
    body = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]] if data is not None else np.zeros(0, np.uint8)
    hashes, firsts = _word_hashes(body, bounds - bounds[0])
    return _shingle_words(hashes, firsts, shingle)


def _word_hashes(body: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A hash per word, and for each document the number of its first word (N + 1 numbers)."""
    inside = _IS_WORD[body]
    cut = np.zeros(len(body) + 1, bool)  # a word ends where its document does
    cut[bounds] = True
    begins, ends = inside.copy(), inside.copy()
    begins[1:] &= ~inside[:-1] | cut[1:-1]
    ends[:-1] &= ~inside[1:] | cut[1:-1]
    starts = np.flatnonzero(begins)
    lengths = np.flatnonzero(ends) + 1 - starts
    padded = np.concatenate([body, np.zeros(8, np.uint8)])
    loads = np.ndarray(len(body) + 1, "<u8", padded, strides=(1,))  # the eight bytes from each position
    hashes = _mix(lengths.astype(np.uint64) * _GOLDEN)
    longer = np.arange(len(starts))
    for done in range(0, min(int(lengths.max(initial=0)), _LONG), 8):
        longer = longer[lengths[longer] > done]
        left = np.minimum(lengths[longer] - done, 8)
        hashes[longer] = _mix(hashes[longer] ^ (loads[starts[longer] + done] & _MASKS[left]))
    for word in np.flatnonzero(lengths > _LONG).tolist():  # no sane word; kept out of the loop over blocks
        text = body[starts[word] : starts[word] + lengths[word]].tobytes()
        hashes[word] = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    return hashes, np.searchsorted(starts, bounds)


def _shingle_words(hashes: np.ndarray, firsts: np.ndarray, shingle: int) -> Shingles:
    lengths = np.diff(firsts)
    counts = np.where(lengths >= shingle, lengths - shingle + 1, np.minimum(lengths, 1))
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    at = np.arange(offsets[-1]) + np.repeat(firsts[:-1] - offsets[:-1], counts)  # first word of each shingle
    padded = np.concatenate([hashes, np.zeros(shingle, np.uint64)])
    windows = np.zeros(len(hashes), np.uint64)
    for place, factor in enumerate(_factors(shingle)):
        windows += padded[place : place + len(hashes)] * factor
    sums = windows[at]
    for document in np.flatnonzero((lengths > 0) & (lengths < shingle)).tolist():
        own = hashes[firsts[document] : firsts[document + 1]]
        sums[offsets[document]] = (own * _factors(len(own))).sum(dtype=np.uint64)
    return Shingles(_mix(sums), offsets)


def _factors(count: int) -> np.ndarray:
    """Fixed odd random numbers, one per place in a shingle."""
    return _mix(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: a bijection in which every input bit moves every output bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_IS_WORD = np.array([bool(_WORD.fullmatch(chr(byte))) for byte in range(256)])
