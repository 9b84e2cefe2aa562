"""Hashed shingles are the shingles of the words, wherever the texts begin and end in memory."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.similarity.corpora import families, plain_jaccard, plain_shingles
from themis.similarity.minhash import jaccard
from themis.similarity.sets import distinct, similarities
from themis.similarity.shingles import shingle_hashes, words


def odd_texts(seed: int) -> list[str]:
    rng = random.Random(seed)
    alphabet = [
        "a",
        "b",
        "ab",
        "ba",
        "x" * 8,
        "x" * 9,
        "y" * 300,
        "y" * 299 + "z",
        "_",
        "é",
        "日本",
        ".",
        "\n\n",
        "\t",
        "@[`{/:",
    ]
    texts = ["", "abc", "é", "", "abc", ""]
    texts += ["".join(rng.choices([*alphabet, " ", " "], k=rng.randint(0, 60))) for _ in range(300)]
    return [*texts, "word " * 220_000, ""]  # more than one part of the buffer


@pytest.mark.parametrize("n", [1, 3, 5])
def test_equal_shingles_have_equal_hashes_and_others_have_not(n: int) -> None:
    texts = odd_texts(5)
    hashed = shingle_hashes(texts, n)
    known: dict[object, int] = {}
    for i, text in enumerate(texts):
        ordered = words(text)
        runs = [tuple(ordered[k : k + n]) for k in range(len(ordered) - n + 1)] or [text]
        own = hashed.hashes[hashed.offsets[i] : hashed.offsets[i + 1]].tolist()
        assert len(own) == len(runs)
        assert all(known.setdefault(run, value) == value for run, value in zip(runs, own, strict=True))
        assert hashed.short[i] == (len(ordered) < n)
    assert len(set(known.values())) == len(known)


def test_words_are_runs_of_letters_digits_and_underscores() -> None:
    every = "".join(map(chr, range(1, 256)))
    assert words(every) == ["0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "_", "abcdefghijklmnopqrstuvwxyz"]
    texts = [f"a{chr(code)}b" for code in range(1, 256)]
    counts = np.diff(shingle_hashes(texts, 1).offsets)
    assert counts.tolist() == [len(words(text)) for text in texts]


def test_arrow_slices_and_lists_hash_alike() -> None:
    texts = families(1, 20)
    sliced = pa.chunked_array(
        [pa.array(["zero", *texts[:9]], pa.large_string()).slice(1), pa.array(texts[9:], pa.large_string())]
    )
    ours, theirs = shingle_hashes(texts, 5), shingle_hashes(sliced, 5)
    assert np.array_equal(ours.hashes, theirs.hashes) and np.array_equal(ours.offsets, theirs.offsets)


def test_many_sets_are_compared_as_two_are() -> None:
    texts = [*odd_texts(6), *families(2, 30), *[f"only{i % 64}" for i in range(70_000)]]  # more than one sort's owners
    values, sizes = distinct(shingle_hashes(texts, 2))
    plain = [plain_shingles(text, 2) for text in texts]
    assert sizes.tolist() == [len(found) for found in plain]
    draw = random.Random(3)
    picked = [(draw.randrange(426), draw.randrange(len(texts))) for _ in range(80_000)] + [(306, 306)]
    found = similarities(values, np.concatenate([[0], np.cumsum(sizes)]), *np.array(picked).T)
    assert found.tolist() == pytest.approx([plain_jaccard(plain[i], plain[j]) for i, j in picked])


@given(st.text("ab _-\n", max_size=30), st.text("ab _-\n", max_size=30), st.integers(1, 4))
def test_jaccard_is_that_of_the_shingle_sets(first: str, second: str, n: int) -> None:
    assert jaccard(first, second, n) == pytest.approx(
        plain_jaccard(plain_shingles(first, n), plain_shingles(second, n))
    )
