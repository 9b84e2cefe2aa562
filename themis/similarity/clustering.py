"""Clusters of near-duplicates in a stream of documents larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from themis.ahead import ahead
from themis.progress import bar, track
from themis.similarity.bands import band_keys, buckets
from themis.similarity.clusters import Forest
from themis.similarity.lanes import Lanes
from themis.similarity.sets import distinct, similarities
from themis.similarity.shingles import as_array, mix, parts
from themis.similarity.signatures import Method, sign

_PART = 1 << 21  # keys sorted at a time
_NEAREST = 64  # documents of a bucket that each is compared with: what keeps the work linear
_WAITING = 32  # slices of documents that wait to be signed, so that reading and signing overlap

Buckets = tuple[np.ndarray, np.ndarray]  # documents by bucket and number; the bucket of each, counted from 0
Sets = tuple[np.ndarray, np.ndarray]  # the values of all sets; the size of each


@dataclass(frozen=True)
class Documents:
    """Some of the documents, in their order; `exact` is there for all batches or for none."""

    texts: pa.Array | pa.ChunkedArray
    scope: np.ndarray  # uint64 [n]; texts are compared within a scope
    wanted: np.ndarray  # bool [n]; the others are alone in their clusters
    exact: np.ndarray | None = None  # uint64 [n]; equal numbers make duplicates, whatever the texts and scopes


def duplicate_clusters(
    batches: Iterable[Documents],
    documents: int,
    method: Method,
    scratch: Path,
    *,
    threads: int = 1,
    part: int = _PART,
) -> tuple[np.ndarray, np.ndarray]:
    """The first document of each one's cluster, int64 [documents], and which are short, bool [documents].

    A cluster is a connected component of the relation "is a duplicate of": of similarity >= the threshold where the
    method verifies, in one bucket where it does not. Short texts are duplicates only of equal texts.

    The bands of the signatures, 8 bytes a band, and the shingle sets, 8 bytes a shingle, lie in the folder `scratch`; in
    memory are some 40 bytes a document at most, and `part` keys for each thread. Batches, threads and `part` change
    nothing in the result. In a bucket of more than 65 documents each is compared with the 64 next ones only, so that the
    work grows as the documents do.
    """
    forest = Forest(documents)
    with ThreadPoolExecutor(threads) as pool:
        lanes, offsets, wanted, short = _sign_all(pool, batches, documents, method, scratch)
        ranges = max(1, -(-documents // part))

        def buckets_of(label: str, first: int, last: int) -> Iterator[Buckets]:
            jobs = [(lane, at) for lane in range(first, last) for at in range(ranges)]
            read = ahead(pool, lambda job: buckets(*lanes.part(*job, ranges, wanted)), jobs, threads)
            return track(read, label, len(jobs), "part")

        fingerprint = lanes.lanes - method.bands[0] - 1
        for members, bucket in buckets_of("identical", 0, fingerprint):
            forest.join(_firsts(members, bucket), members)
        repeated = np.zeros(documents, bool)
        for members, bucket in buckets_of("equal shingles", fingerprint, fingerprint + 1):
            first = _firsts(members, bucket)
            forest.join(first, members)
            repeated[members] = first != members
        wanted &= ~repeated
        bands = buckets_of("bands", fingerprint + 1, lanes.lanes)
        similar = _similar(pool, scratch / "sets", offsets, method.threshold, threads)
        for members, bucket in bands:
            if method.verified:
                _join_buckets(members, bucket, forest, similar)
            else:
                forest.join(_firsts(members, bucket), members)
    return forest.labels(), short


def _sign_all(
    pool: ThreadPoolExecutor, batches: Iterable[Documents], documents: int, method: Method, scratch: Path
) -> tuple[Lanes, np.ndarray, np.ndarray, np.ndarray]:
    """Lanes of exact numbers (where given), fingerprints and bands; where each shingle set begins in the file of them
    and the last ends (where the method verifies); which documents are wanted; which are short."""
    lanes = Lanes(scratch / "lanes", 1 + method.bands[0], documents)
    wanted, short, sizes = np.zeros(documents, bool), np.zeros(documents, bool), [np.zeros(1, np.int64)]
    first = 0

    def work(piece: Documents) -> tuple[Documents, np.ndarray, np.ndarray, Sets | None]:
        signed = sign(piece.texts, method)
        keys = np.vstack([signed.fingerprints, band_keys(signed.signatures, *method.bands)])
        keys = mix(keys ^ piece.scope)
        keys = keys if piece.exact is None else np.vstack([mix(piece.exact), keys])
        return piece, keys, signed.short, distinct(signed.shingles) if method.verified else None

    with (scratch / "sets").open("wb") as file, bar("sign", documents) as shown:
        for piece, keys, few, sets in ahead(pool, work, _pieces(batches), _WAITING):
            if len(keys) != lanes.lanes:
                lanes = Lanes(scratch / "lanes", len(keys), documents)
            here = slice(first, first + len(few))
            lanes.write(first, keys)
            wanted[here], short[here] = piece.wanted, few
            if sets:
                sets[0].tofile(file)
                sizes.append(sets[1])
            first = here.stop
            shown.update(len(few))
    return lanes, np.cumsum(np.concatenate(sizes)), wanted, short


def _pieces(batches: Iterable[Documents]) -> Iterator[Documents]:
    """The same documents in slices that suit the processor's cache."""
    for batch in batches:
        first = 0
        for texts in parts(as_array(batch.texts)):
            here = slice(first, first + len(texts))
            exact = None if batch.exact is None else batch.exact[here]
            yield Documents(texts, batch.scope[here], batch.wanted[here], exact)
            first = here.stop


def _similar(
    pool: ThreadPoolExecutor, path: Path, offsets: np.ndarray, threshold: float, threads: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function that tells for which k the sets one[k] and other[k] in the file are as similar as the threshold."""

    def compare(pairs: np.ndarray) -> np.ndarray:
        return similarities(np.memmap(path, np.uint64, "r"), offsets, *pairs)

    def similar(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        sizes = [offsets[ends + 1] - offsets[ends] for ends in (one, other)]
        possible = np.flatnonzero(np.minimum(*sizes) >= threshold * np.maximum(*sizes))
        pairs = [pairs for pairs in np.array_split(np.stack([one, other])[:, possible], threads, axis=1) if pairs.size]
        alike = np.zeros(len(one), bool)
        alike[possible] = np.concatenate([np.zeros(0), *pool.map(compare, pairs)]) >= threshold
        return alike

    return similar


def _join_buckets(
    members: np.ndarray, bucket: np.ndarray, forest: Forest, similar: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    """Compare each document with the next of its bucket, the one after, and so on while any are left to be joined."""
    members, bucket = _unfinished(members, bucket, forest)
    for distance in range(1, _NEAREST + 1):
        at = np.flatnonzero(bucket[distance:] == bucket[:-distance])
        if not len(at):
            return
        one, other = members[at], members[at + distance]
        apart = forest.roots(one) != forest.roots(other)
        one, other = one[apart], other[apart]
        alike = similar(one, other)
        if alike.any():
            forest.join(one[alike], other[alike])
            members, bucket = _unfinished(members, bucket, forest)


def _unfinished(members: np.ndarray, bucket: np.ndarray, forest: Forest) -> Buckets:
    """The buckets whose documents are not all in one cluster yet."""
    roots = forest.roots(members)
    left = np.isin(bucket, bucket[roots != _firsts(roots, bucket)])
    return members[left], bucket[left]


def _firsts(values: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    """For each document the value of the first one of its bucket."""
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    return np.repeat(values[starts], np.diff(starts, append=len(bucket)))
