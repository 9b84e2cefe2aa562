"""Decontamination and near-duplicates against slow, obvious implementations."""

import random
import re

import numpy as np
import pytest

from themis.preferences.decontaminate import overlapping
from themis.preferences.near import near, repeated


def runs(text, words):
    found = [word.lower() for word in re.findall(r"[A-Za-z0-9_]+", text)]
    return {tuple(found[at : at + words]) for at in range(len(found) - words + 1)}


def jaccard(one, other, words=5):
    one, other = (
        set(zip(*(re.findall(r"[A-Za-z0-9_]+", t)[i:] for i in range(words)), strict=False)) for t in (one, other)
    )
    return len(one & other) / len(one | other)


def prose(seed, length, vocabulary=400):
    generator = random.Random(seed)
    return " ".join(f"word{generator.randrange(vocabulary)}" for _ in range(length))


@pytest.mark.parametrize("words", [2, 4, 13])
def test_overlap_is_a_shared_run_of_words_and_nothing_else(words):
    generator = random.Random(words)
    glue = [" ", ", ", "\n", " -> ", "é", "—"]
    alphabet = ["A", "b", "C_1", "d", "9"]

    def text():
        return "".join(generator.choice(alphabet) + generator.choice(glue) for _ in range(generator.randrange(0, 40)))

    texts, reference = [text() for _ in range(300)], [text() for _ in range(1 if words == 2 else 12)]
    known = set().union(*(runs(one, words) for one in reference))
    expected = [bool(runs(one, words) & known) for one in texts]
    assert overlapping(texts, reference, words).tolist() == expected
    if words < 13:
        assert 0 < sum(expected) < len(texts)


def test_overlap_at_the_exact_length():
    source = prose(1, 60)
    thirteen = " ".join(source.split()[20:33])
    twelve = " ".join(source.split()[20:32])
    texts = [f"before {thirteen.upper()} after", f"before {twelve} after", thirteen, twelve, "", source]
    assert overlapping(texts, [source], 13).tolist() == [True, False, True, False, False, True]
    assert not overlapping(texts, [], 13).any()
    assert overlapping([], [source], 13).shape == (0,)


def test_a_run_does_not_reach_from_one_text_into_the_next():
    assert not overlapping(["a b c d", "e f g h"], ["c d e f"], 4).any()


def variants(seed, base, shares):
    generator = random.Random(seed)
    texts = []
    for share in shares:
        words = base.split()
        for at in generator.sample(range(len(words)), int(share * len(words))):
            words[at] = f"new{generator.randrange(10**9)}"
        texts.append(" ".join(words))
    return texts


def test_repetitions_are_dropped_and_only_they():
    texts = [text for seed in range(8) for text in variants(seed, prose(seed, 200), [0, 0, 0.01, 0.02, 0.5])]
    marked = repeated(texts, 0.75)
    kept = np.flatnonzero(~marked)
    for at in np.flatnonzero(marked):
        assert any(jaccard(texts[at], texts[other]) >= 0.75 for other in kept if other < at)
    assert all(jaccard(texts[i], texts[j]) < 0.75 for i in kept for j in kept if i < j)
    assert [at for at in range(0, 40, 5) if marked[at]] == []  # the first of each family stays


def test_a_chain_of_similar_texts_is_not_followed():
    words = [f"w{at}" for at in range(200)]
    texts = [" ".join(words[shift : shift + 100]) for shift in (0, 10, 20)]
    assert jaccard(texts[0], texts[1]) >= 0.75 > jaccard(texts[0], texts[2])
    assert repeated(texts, 0.75).tolist() == [False, True, False]


def test_near_the_reference():
    base = prose(5, 200)
    close, far = variants(5, base, [0.02, 0.5])
    assert near([close, far, base, close], [base, base], 0.75).tolist() == [True, False, True, True]
    assert near([close], [], 0.75).tolist() == [False]
