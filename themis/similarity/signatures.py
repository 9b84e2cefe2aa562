"""MinHash signatures of texts by one of two engines, or as the published system computed them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import pyarrow as pa

from themis.similarity.bands import bands_and_rows
from themis.similarity.published import published_signatures
from themis.similarity.shingles import Shingles, Texts, as_array, mix, shingle_hashes

Engine = Literal["rensa", "datasketch"]

_SEED = 77  # of the permutations; verification makes the result all but independent of it
_FALSE_POSITIVE_WEIGHT = 0.05  # verification undoes a false positive; nothing undoes a false negative


@dataclass(frozen=True)
class Method:
    """What a near-duplicate is and how it is looked for."""

    engine: Engine = "rensa"
    shingle: int = 5  # words
    permutations: int = 256
    threshold: float = 0.7  # Jaccard similarity
    verify: bool = True  # by the exact similarity; else whoever shares a band is a duplicate
    published: bool = False  # as the published system: its tokens, hashes, permutations and bands, unverified

    @property
    def verified(self) -> bool:
        """Whether candidates are compared exactly."""
        return self.verify and not self.published

    @property
    def bands(self) -> tuple[int, int]:
        """Bands of a signature and rows of a band."""
        return bands_and_rows(self.threshold, self.permutations, _FALSE_POSITIVE_WEIGHT if self.verified else 0.5)


@dataclass(frozen=True)
class Signed:
    """What is known of N texts once they are signed."""

    signatures: np.ndarray  # uint32 [N, permutations]
    fingerprints: np.ndarray  # uint64 [N]; texts with equal fingerprints are duplicates
    short: np.ndarray  # bool [N]; compared as a whole, having fewer words than a shingle
    shingles: Shingles | None  # none where the method is the published one


def sign(texts: Texts, method: Method) -> Signed:
    """The signatures of some texts.

    `rensa` is R-MinHash in Rust; `datasketch` is the reference (its affine32 scheme). Their values differ, the share of
    equal values estimates the Jaccard similarity of the shingle sets in both.
    """
    texts = as_array(texts)
    if method.published:
        signatures = published_signatures(pa.concat_arrays(texts.chunks), method.shingle, method.permutations)
        fingerprints = np.zeros(len(texts), np.uint64)
        for column in signatures.T:
            fingerprints = mix(fingerprints + column)
        return Signed(signatures, fingerprints, np.zeros(len(texts), bool), None)
    shingles = shingle_hashes(texts, method.shingle)
    signatures = {"rensa": _rensa, "datasketch": _datasketch}[method.engine](shingles, method.permutations)
    fingerprints = mix(np.add.reduceat(shingles.hashes, shingles.offsets[:-1])) if len(texts) else shingles.hashes
    return Signed(signatures, fingerprints, shingles.short, shingles)


def _rensa(part: Shingles, permutations: int) -> np.ndarray:
    from rensa import RMinHash

    rows = RMinHash.digest_matrix_from_flat_token_hashes(
        part.hashes, part.offsets.astype(np.uint64), permutations, _SEED
    ).to_rows()
    flat = np.fromiter(chain.from_iterable(rows), np.uint32, len(part) * permutations)
    return flat.reshape(len(part), permutations)


def _datasketch(part: Shingles, permutations: int) -> np.ndarray:
    from datasketch import MinHash

    upper = (part.hashes >> np.uint64(32)).astype(np.uint32)
    empty = MinHash(num_perm=permutations, seed=_SEED, hashfunc=int, scheme="affine32")
    block = np.zeros((len(part), permutations), np.uint32)
    for at in range(len(part)):
        sketch = empty.copy()
        sketch.update_batch(upper[part.offsets[at] : part.offsets[at + 1]])
        block[at] = sketch.hashvalues
    return block
