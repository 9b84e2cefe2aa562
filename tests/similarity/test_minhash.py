"""The hashed shingles are those of the words, and the work stays small however many duplicates there are."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.similarity.bands import bands_and_rows
from themis.similarity.clusters import clusters
from themis.similarity.minhash import duplicate_clusters, duplicate_pairs, jaccard, words
from themis.similarity.shingles import shingle_hashes

ENGINES = ("rensa", "datasketch")


def plain_shingles(text: str, n: int) -> set[tuple[str, ...]]:
    """The definition, by slicing: runs of n words, or all words where there are fewer."""
    found, word = [], ""
    for letter in text + " ":
        if letter.isascii() and (letter.isalnum() or letter == "_"):
            word += letter
        elif word:
            found.append(word)
            word = ""
    return {tuple(found[i : i + n]) for i in range(max(len(found) - n + 1, 1))} if found else set()


def plain_jaccard(one: set, other: set) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def corpus(seed: int, families: int, edits: int) -> list[str]:
    """Documents in families whose members differ from the first by up to `edits` replaced words."""
    rng = random.Random(seed)
    vocabulary = [f"name_{i}" for i in range(2000)]
    texts = ["", "été", "---", "one two", "one, two"]
    for _ in range(families):
        base = rng.choices(vocabulary, k=rng.randint(30, 150))
        for _ in range(rng.randint(1, 4)):
            copy = list(base)
            for _ in range(rng.randint(0, edits)):
                copy[rng.randrange(len(copy))] = rng.choice(vocabulary)
            texts.append(" ".join(copy))
    rng.shuffle(texts)
    return texts


def test_hashed_shingles_are_the_shingles_of_the_words() -> None:
    rng = random.Random(5)
    alphabet = ["a", "b", "ab", "ba", "x" * 8, "x" * 9, "y" * 300, "y" * 299 + "z", "_", "é", "日本", ".", "\n\n", "\t"]
    texts = ["", "abc", "é"] + ["".join(rng.choices([*alphabet, " ", " "], k=rng.randint(0, 60))) for _ in range(300)]
    texts += ["word " * 80_000]  # more than one part of the buffer
    assert all(set(words(text)) == {w for s in plain_shingles(text, 1) for w in s} for text in texts[:50])
    for n in (1, 3, 5):
        hashed = shingle_hashes(texts, n)
        plain = [plain_shingles(text, n) for text in texts]
        assert [len(hashed.distinct(i)) for i in range(len(texts))] == [len(s) for s in plain]
        known: dict[tuple[str, ...], int] = {}
        for i, text in enumerate(texts[:100]):
            ordered = words(text)
            runs = [tuple(ordered[k : k + n]) for k in range(max(len(ordered) - n + 1, 1))] if ordered else []
            own = hashed.hashes[hashed.offsets[i] : hashed.offsets[i + 1]].tolist()
            assert len(own) == len(runs)
            assert all(known.setdefault(run, value) == value for run, value in zip(runs, own, strict=True))
        assert len(set(known.values())) == len(known)


def test_arrow_slices_and_lists_hash_alike() -> None:
    texts = corpus(1, 20, 3)
    sliced = pa.chunked_array(
        [pa.array(["zero", *texts[:9]], pa.large_string()).slice(1), pa.array(texts[9:], pa.large_string())]
    )
    ours, theirs = shingle_hashes(texts, 5), shingle_hashes(sliced, 5)
    assert np.array_equal(ours.hashes, theirs.hashes) and np.array_equal(ours.offsets, theirs.offsets)


def test_both_engines_and_any_number_of_threads_find_the_same_clusters() -> None:
    texts = corpus(4, 150, 1)  # one word in at least 30 replaced: far above the threshold, or unrelated
    pairs = duplicate_pairs(texts, 0.5, 3, 256, "rensa")
    assert pairs == duplicate_pairs(texts, 0.5, 3, 256, "datasketch", threads=3)
    expected = clusters(len(texts), pairs)
    assert len(set(expected.tolist())) < len(texts)
    for engine in ENGINES:
        assert np.array_equal(duplicate_clusters(texts, 0.5, 3, 256, engine, threads=2), expected)


def test_texts_without_words_are_never_duplicates_and_equal_short_ones_are() -> None:
    texts = ["", "", "日本", "日本", "!", "a b", "a  b", "b a"]
    assert duplicate_pairs(texts, 0.7, 5, 64) == [(5, 6, 1.0)]
    assert duplicate_clusters(texts, 0.7, 5, 64).tolist() == [0, 1, 2, 3, 4, 5, 5, 7]
    assert duplicate_pairs([], 0.7, 5, 64) == [] and duplicate_clusters([], 0.7, 5, 64).tolist() == []


def test_a_long_chain_of_duplicates_is_one_cluster() -> None:
    n = 200_000
    chain = [(i, i + 1) for i in range(n - 1)]
    assert not clusters(n, chain).any()
    assert not clusters(n, reversed(chain)).any()
    sliding = [" ".join(f"w{k}" for k in range(i, i + 60)) for i in range(0, 600, 3)]
    assert jaccard(sliding[0], sliding[-1], 2) == 0
    assert not duplicate_clusters(sliding, 0.8, 2, 256).any()


def test_thousands_of_copies_do_not_cost_their_square() -> None:
    rng = random.Random(8)
    base = [f"w{i}" for i in range(300)]
    texts = ["the same text " * 20] * 3000
    for _ in range(1500):  # near copies: all of them meet in the same buckets
        copy = list(base)
        copy[rng.randrange(300)] = f"x{rng.random()}"
        texts.append(" ".join(copy))
    labels = duplicate_clusters(texts, 0.7, 3, 64)
    assert set(labels.tolist()) == {0, 3000}


@pytest.mark.parametrize(
    ("permutations", "threshold", "expected"),
    [(256, 0.5, (42, 6)), (256, 0.7, (25, 10)), (256, 0.75, (21, 12)), (256, 0.85, (13, 19)), (128, 0.75, (11, 11))],
)
def test_bands_have_the_least_weighted_error(permutations: int, threshold: float, expected: tuple[int, int]) -> None:
    assert bands_and_rows(threshold, permutations) == expected  # as published for equal weights
    bands, rows = bands_and_rows(threshold, permutations, 0.05)
    assert bands * rows <= permutations
    assert 1 - (1 - threshold**rows) ** bands > 1 - (1 - threshold ** expected[1]) ** expected[0]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(Problem, match=r"dedup\.engine: sha is not"):
        duplicate_pairs(["a b c"], 0.7, 2, 64, "sha")  # type: ignore[arg-type]
