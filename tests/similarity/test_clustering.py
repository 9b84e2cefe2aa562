"""Clusters of a stream are the components of the duplicate pairs, however the stream is cut and worked on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.similarity.corpora import components, families, similarities
from themis.similarity.bands import buckets
from themis.similarity.clustering import Documents, duplicate_clusters
from themis.similarity.clusters import Forest
from themis.similarity.lanes import Lanes
from themis.similarity.minhash import duplicate_pairs, jaccard
from themis.similarity.signatures import Method


def cluster(
    texts: Sequence[str], folder: Path, method: Method, *, batch: int = 100, scope=None, wanted=None, exact=None, **how
) -> tuple[list[int], list[bool]]:
    n = len(texts)
    scope = np.zeros(n, np.uint64) if scope is None else np.array(scope, np.uint64)
    wanted = np.ones(n, bool) if wanted is None else np.array(wanted)

    def stream():
        for first in range(0, n, batch):
            here = slice(first, first + batch)
            own = None if exact is None else np.array(exact, np.uint64)[here]
            yield Documents(pa.array(texts[here]), scope[here], wanted[here], own)

    labels, short = duplicate_clusters(stream(), n, method, folder, **how)
    return labels.tolist(), short.tolist()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [*families(7, 150), "", "", "one two", "one, two", "one two"]


@pytest.mark.parametrize("engine", ["rensa", "datasketch"])
def test_clusters_are_the_components_of_the_pairs(texts: list[str], tmp_path: Path, engine: str) -> None:
    method = Method(engine, permutations=128)
    pairs = [(i, j) for i, j, _ in duplicate_pairs(texts, method)]
    labels, short = cluster(texts, tmp_path, method)
    assert labels == components(len(texts), pairs)
    assert short == [len(text.replace(",", "").split()) < 5 for text in texts]
    assert 150 < len(set(labels)) < len(texts)


@pytest.mark.parametrize("verify", [True, False])
def test_batches_parts_and_threads_do_not_matter(texts: list[str], tmp_path: Path, verify: bool) -> None:
    method = Method(permutations=128, verify=verify)
    expected = cluster(texts, tmp_path, method, batch=10_000)
    for batch, part, threads in ((1, 50, 1), (37, 13, 3), (200, 10_000, 2)):
        assert cluster(texts, tmp_path, method, batch=batch, part=part, threads=threads) == expected


def test_the_order_of_the_texts_does_not_matter(texts: list[str], tmp_path: Path) -> None:
    def groups(some: list[str]) -> set[frozenset[str]]:
        found: dict[int, set[str]] = {}
        for text, label in zip(some, cluster(some, tmp_path, Method())[0], strict=True):
            found.setdefault(label, set()).add(text)
        return {frozenset(members) for members in found.values()}

    assert groups(texts) == groups(random.Random(1).sample(texts, len(texts)))


def test_unverified_clusters_hold_the_verified_ones_and_few_far_pairs(texts: list[str], tmp_path: Path) -> None:
    unverified, _ = cluster(texts, tmp_path, Method(verify=False))
    exact = similarities(texts, 5)
    assert all(unverified[i] == unverified[j] for (i, j), value in exact.items() if value >= 0.85)
    assert sum(unverified[i] == unverified[j] for (i, j), value in exact.items() if value < 0.3) < 5


@pytest.mark.parametrize("words", [140, 160])
def test_a_text_may_be_a_duplicate_of_a_longer_one(tmp_path: Path, words: int) -> None:
    texts = [" ".join(f"w{i}" for i in range(length)) for length in (100, words)]
    assert jaccard(*texts, 5) == pytest.approx(96 / (words - 4))
    assert cluster(texts, tmp_path, Method(threshold=0.65))[0] == ([0, 0] if words == 140 else [0, 1])


def test_scopes_part_texts_exact_numbers_join_them_and_the_unwanted_stay_alone(tmp_path: Path) -> None:
    long = " ".join(f"w{i}" for i in range(50))
    texts = [long, long, long, long + " more", "x", "x", "y", long]
    labels, _ = cluster(
        texts,
        tmp_path,
        Method(),
        batch=3,
        scope=[0, 1, 0, 1, 0, 1, 0, 0],
        wanted=[1, 1, 1, 1, 1, 1, 1, 0],
        exact=[10, 11, 12, 13, 14, 15, 15, 10],
    )
    assert labels == [0, 1, 0, 1, 4, 5, 5, 7]


def test_a_long_chain_of_duplicates_is_one_cluster(tmp_path: Path) -> None:
    n = 200_000
    for one in (np.arange(n - 1), np.arange(n - 1)[::-1]):
        forest = Forest(n)
        forest.join(one, one + 1)
        assert not forest.labels().any()
    sliding = [" ".join(f"w{k}" for k in range(i, i + 60)) for i in range(0, 600, 3)]
    assert jaccard(sliding[0], sliding[-1], 2) == 0
    assert not any(cluster(sliding, tmp_path, Method(shingle=2, threshold=0.8))[0])


def test_joined_pairs_make_the_components(seed: int = 4) -> None:
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 3000, (2000, 2))
    forest = Forest(3000)
    for block in np.array_split(pairs, 7):
        forest.join(*block.T)
        assert forest.roots(block[:, 0]).tolist() == forest.roots(block[:, 1]).tolist()
    assert forest.labels().tolist() == components(3000, pairs.tolist())


def test_thousands_of_copies_do_not_cost_their_square(tmp_path: Path) -> None:
    rng = random.Random(8)
    base = [f"w{i}" for i in range(300)]
    texts = ["the same text " * 20] * 3000
    for _ in range(1500):  # near copies: all of them meet in the same buckets
        copy = list(base)
        copy[rng.randrange(300)] = f"x{rng.random()}"
        texts.append(" ".join(copy))
    labels, _ = cluster(texts, tmp_path, Method(shingle=3, permutations=64), batch=1000)
    assert set(labels) == {0, 3000}


def test_a_bucket_holds_in_order_the_documents_of_one_key() -> None:
    rng = np.random.default_rng(2)
    keys = rng.integers(0, 900, 3000, np.uint64) << np.uint64(54)
    documents = np.sort(rng.choice(10_000, 3000, replace=False))
    by_key: dict[int, list[int]] = {}
    for key, document in zip(keys.tolist(), documents.tolist(), strict=True):
        by_key.setdefault(key, []).append(document)
    members, bucket = buckets(keys, documents)
    found = [members[bucket == at].tolist() for at in range(bucket.max() + 1)]
    assert found == [by_key[key] for key in sorted(by_key) if len(by_key[key]) > 1]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_every_wanted_key_is_in_one_part_beside_its_equals(tmp_path: Path, parts: int) -> None:
    rng = np.random.default_rng(parts)
    keys = rng.integers(0, 2**64, (2, 500), np.uint64)
    keys[:, ::5] = keys[:, :1]
    keys[1, :3] = [0, 2**64 - 1, 2**63]
    wanted = rng.random(500) < 0.8
    lanes = Lanes(tmp_path / "lanes", 2, 500)
    for first in (300, 0, 450):
        lanes.write(first, keys[:, first : {300: 450, 0: 300, 450: 500}[first]])
    read = [lanes.part(1, part, parts, wanted) for part in range(parts)]
    assert sorted(np.concatenate([documents for _, documents in read]).tolist()) == np.flatnonzero(wanted).tolist()
    for found, documents in read:
        assert found.tolist() == keys[1, documents].tolist()
    seen = [set(found.tolist()) for found, _ in read]
    assert sum(map(len, seen)) == len(set().union(*seen))


def test_no_texts_have_no_clusters(tmp_path: Path) -> None:
    assert cluster([], tmp_path, Method()) == ([], [])
    assert cluster(["a", "b", "a"], tmp_path, Method())[0] == [0, 1, 0]
