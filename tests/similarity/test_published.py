"""The published mode gives the published system's numbers and keeps the rows it kept."""

from __future__ import annotations

import hashlib
import random
import re
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.similarity.corpora import families
from themis.similarity.clustering import Documents, duplicate_clusters
from themis.similarity.published import _modulo_prime, published_signatures
from themis.similarity.signatures import Method

PRIME, LARGEST = 2**61 - 1, 2**32 - 1
GOLDEN = (  # protocol 1.5: band 0 of 25, ten numbers of eight bytes
    "0000000052f8cc540000000032e3a5ea00000000229db58f00000000062c2553000000001c34394000000000503b4c24"
    "0000000005f93d8400000000137f94e3000000001eb8fe8a000000002b45b34a"
)
FACTORS = (813668115413541472, 68478593667278118, 1610761308973936058)
SHIFTS = (317202869838604244, 264057169809007519, 701014150575576181)


def by_definition(text: str, ngram: int, permutations: list[tuple[int, int]]) -> list[int]:
    tokens = re.split("[^A-Za-z_0-9]", text)
    runs = {" ".join(tokens[i : i + ngram]) for i in range(len(tokens) - ngram + 1)}
    hashes = [struct.unpack("<I", hashlib.sha1(run.encode()).digest()[:4])[0] for run in runs]
    return [min([((h * a + b) % 2**64) % PRIME % 2**32 for h in hashes] + [LARGEST]) for a, b in permutations]


def drawn(count: int) -> list[tuple[int, int]]:
    rng = np.random.RandomState(77)
    return [
        (int(rng.randint(1, PRIME, dtype=np.uint64)), int(rng.randint(0, PRIME, dtype=np.uint64))) for _ in range(count)
    ]


def sign(texts: list[str], ngram: int = 5, count: int = 256) -> np.ndarray:
    return published_signatures(pa.array(texts, pa.large_string()), ngram, count)


def test_the_golden_vector() -> None:
    signature = sign(["def f(x):\n    return x + 1\n"])[0]
    assert Method(published=True).bands == (25, 10)
    assert signature[:10].astype(">u8").tobytes().hex() == GOLDEN


def test_the_permutations_are_the_published_ones() -> None:
    factors, shifts = zip(*drawn(3), strict=True)
    assert (factors, shifts) == (FACTORS, SHIFTS)


@pytest.mark.parametrize(("threshold", "bands"), [(0.7, (25, 10)), (0.75, (21, 12)), (0.8, (17, 15)), (0.85, (13, 19))])
def test_the_bands_are_the_published_ones(threshold: float, bands: tuple[int, int]) -> None:
    assert Method(threshold=threshold, published=True).bands == bands


def test_the_remainder_is_right_where_random_numbers_never_are() -> None:
    values = [k * PRIME + d for k in range(9) for d in (-1, 0, 1) if 0 <= k * PRIME + d < 2**64] + [2**64 - 1]
    assert _modulo_prime(np.array(values, np.uint64)).tolist() == [value % PRIME for value in values]


@pytest.mark.parametrize("ngram", [1, 2, 5])
def test_every_signature_is_the_one_of_the_definition(ngram: int) -> None:
    draw = random.Random(2)
    letters = ["a", "b1", "_", " ", "\n    ", "(", "é", "日本語", "🙂", "x" * 40]
    texts = ["", "a", "é", "a b c d", "a b c d e", "\n\n\n\n", "é" * 5]
    texts += ["".join(draw.choices(letters, k=draw.randrange(200))) for _ in range(40)]
    expected = [by_definition(text, ngram, drawn(16)) for text in texts]
    assert sign(texts, ngram, 16).tolist() == expected


def test_kept_are_the_first_rows_of_the_published_components(tmp_path: Path) -> None:
    texts = [*families(3, 40, most=2), "short", "", "not the same"]
    method = Method(published=True, threshold=0.7, permutations=64)
    bands, rows = method.bands
    permutations = drawn(64)
    parent = list(range(len(texts)))

    def find(i: int) -> int:
        return i if parent[i] == i else find(parent[i])

    signatures = [by_definition(text, 5, permutations) for text in texts]
    for band in range(bands):
        buckets: dict[tuple, list[int]] = {}
        for i, signature in enumerate(signatures):
            buckets.setdefault(tuple(signature[band * rows : (band + 1) * rows]), []).append(i)
        for members in buckets.values():
            for member in members:
                one, other = find(members[0]), find(member)
                parent[max(one, other)] = min(one, other)
    expected = [find(i) for i in range(len(texts))]

    def stream():
        yield Documents(pa.array(texts), np.zeros(len(texts), np.uint64), np.ones(len(texts), bool))

    labels, short = duplicate_clusters(stream(), len(texts), method, tmp_path)
    assert labels.tolist() == expected and not short.any()
    assert 40 < len(set(expected)) < 120
    assert expected[-1] == expected[-2] == expected[-3]  # texts without an n-gram are all alike
