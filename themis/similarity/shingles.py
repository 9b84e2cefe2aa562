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
_CHUNK_BYTES = 1 << 20
_LONG = 256
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # of the first bytes of a load


@dataclass(frozen=True)
class Shingles:
    """Shingle hashes of N documents: document i has `hashes[offsets[i]:offsets[i + 1]]`, repeated shingles included."""

    hashes: np.ndarray  # uint64
    offsets: np.ndarray  # int64, N + 1
    short: np.ndarray  # bool, N: of fewer words than a shingle

    def __len__(self) -> int:
        return len(self.offsets) - 1


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

    A text of fewer words has one shingle, the whole text to the byte. Equal shingles have equal hashes in every run and
    on every machine; unequal ones collide with probability 2^-64.
    """
    hashed = [_hash_part(part, shingle) for part in parts(as_array(texts))]
    counts = [np.diff(part.offsets) for part in hashed]
    offsets = np.zeros(sum(map(len, counts)) + 1, np.int64)
    np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]), out=offsets[1:])
    hashes = np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in hashed)])
    return Shingles(hashes, offsets, np.concatenate([np.zeros(0, bool), *(part.short for part in hashed)]))


def parts(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Slices of whole documents, small enough that the working arrays stay near the processor."""
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


def body_and_bounds(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 bytes of all texts in a row, uint8, and where each begins and the last ends, int64 [N + 1]."""
    bounds = _offsets(texts)
    data = texts.buffers()[2]
    body = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]] if data is not None else np.zeros(0, np.uint8)
    return body, bounds - bounds[0]


def is_word(body: np.ndarray) -> np.ndarray:
    """Which bytes are one of [A-Za-z0-9_], bool."""
    found = (body | np.uint8(0x20)) - np.uint8(ord("a")) < 26
    found |= body - np.uint8(ord("0")) < 10
    found |= body == ord("_")
    return found


def mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on uint64: a bijection in which every input bit moves every output bit."""
    mixed = values >> np.uint64(30)
    mixed ^= values
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _hash_part(texts: pa.Array, shingle: int) -> Shingles:
    body, bounds = body_and_bounds(texts)
    hashes, firsts = _word_hashes(body, bounds)
    lengths = np.diff(firsts)
    begins = np.ones(len(hashes), bool)  # words that a shingle begins with: those with enough words after them
    for place in range(1, shingle):
        begins[firsts[1:][lengths >= place] - place] = False
    counts = np.maximum(lengths - shingle + 1, 0)
    short = counts == 0
    whole = [_whole(body[bounds[at] : bounds[at + 1]], b"text") for at in np.flatnonzero(short).tolist()]
    places = (np.cumsum(counts) - counts)[short]
    sums = _inserted(_windows(hashes, shingle)[begins], places, np.array(whole, np.uint64))
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(np.maximum(counts, 1), out=offsets[1:])
    return Shingles(mix(sums), offsets, short)


def _word_hashes(body: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A hash per word, and for each document the number of its first word (N + 1 numbers)."""
    inside = np.zeros(len(body) + 2, bool)
    inside[1:-1] = is_word(body)
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    across = np.unique(bounds[1:-1])
    across = across[inside[across] & inside[across + 1]]  # a word ends where its document does
    edges = _inserted(edges, np.searchsorted(edges, across).repeat(2), across.repeat(2))
    starts = edges[::2].copy()
    lengths = edges[1::2] - starts
    padded = np.concatenate([body, np.zeros(8, np.uint8)])
    loads = np.ndarray(len(body) + 1, "<u8", padded, strides=(1,))  # the eight bytes from each position
    hashes = mix((lengths.astype(np.uint64) * _GOLDEN) ^ (loads[starts] & _MASKS[np.minimum(lengths, 8)]))
    longer = np.flatnonzero(lengths > 8)
    for done in range(8, min(int(lengths.max(initial=0)), _LONG), 8):
        longer = longer[lengths[longer] > done]
        left = np.minimum(lengths[longer] - done, 8)
        hashes[longer] = mix(hashes[longer] ^ (loads[starts[longer] + done] & _MASKS[left]))
    for word in np.flatnonzero(lengths > _LONG).tolist():  # no sane word; kept out of the loop over blocks
        hashes[word] = _whole(body[starts[word] : starts[word] + lengths[word]], b"word")
    return hashes, np.searchsorted(starts, bounds)


def _windows(hashes: np.ndarray, shingle: int) -> np.ndarray:
    """For every word the sum of its own and the next words' hashes, each times the factor of its place."""
    padded = np.concatenate([hashes, np.zeros(shingle, np.uint64)])
    windows = np.zeros(len(hashes), np.uint64)
    for place, factor in enumerate(_factors(shingle)):
        windows += padded[place : place + len(hashes)] * factor
    return windows


def _inserted(values: np.ndarray, places: np.ndarray, new: np.ndarray) -> np.ndarray:
    """`np.insert`, which copies even where there is nothing to insert."""
    return np.insert(values, places, new) if len(places) else values


def _whole(text: np.ndarray, kind: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.tobytes(), digest_size=8, person=kind).digest(), "little")


def _factors(count: int) -> np.ndarray:
    """Fixed odd random numbers, one per place in a shingle."""
    return mix(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)
