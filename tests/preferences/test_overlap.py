"""Decontamination and near-duplicates against slow, obvious implementations."""

import random
import re

import numpy as np
import pytest

from themis.preferences.decontaminate import Runs
from themis.preferences.near import Neighbours, repeated
from themis.similarity.signatures import Method

NEAR = Method(threshold=0.75)


def overlapping(texts, reference, words):
    return Runs.of([reference], words).shared_by(texts)


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


def repetitions(texts, scratch, sources=None, batch=3):
    """Told of the texts some at a time."""
    sources = np.array(sources or [0] * len(texts), np.uint64)
    parts = ((texts[at : at + batch], sources[at : at + batch]) for at in range(0, len(texts), batch))
    return repeated(parts, len(texts), NEAR, scratch)


def test_repetitions_are_dropped_and_only_they(tmp_path):
    texts = [text for seed in range(8) for text in variants(seed, prose(seed, 200), [0, 0, 0.01, 0.02, 0.5])]
    marked = repetitions(texts, tmp_path)
    kept = np.flatnonzero(~marked)
    for at in np.flatnonzero(marked):
        assert any(jaccard(texts[at], texts[other]) >= 0.75 for other in range(at))
    assert all(jaccard(texts[i], texts[j]) < 0.75 for i in kept for j in kept if i < j)
    assert [at for at in range(0, 40, 5) if marked[at]] == []  # the first of each family stays
    assert (repetitions(texts, tmp_path, batch=40) == marked).all()


def test_a_chain_of_similar_texts_is_one_repetition(tmp_path):
    words = [f"w{at}" for at in range(200)]
    texts = [" ".join(words[shift : shift + 100]) for shift in (0, 10, 20)]
    assert jaccard(texts[0], texts[1]) >= 0.75 > jaccard(texts[0], texts[2])
    assert repetitions(texts, tmp_path).tolist() == [False, True, True]


def test_a_repetition_is_one_within_its_source(tmp_path):
    text = prose(3, 100)
    assert repetitions([text] * 4, tmp_path, [0, 1, 0, 1]).tolist() == [False, False, True, True]


def test_near_the_reference():
    base, short = prose(5, 200), "two words"
    close, far = variants(5, base, [0.02, 0.5])
    texts = [close, far, base, short, "two other words", ""]
    assert Neighbours([base, base, short], NEAR).close_to(texts).tolist() == [True, False, True, True, False, False]
    assert Neighbours([], NEAR).close_to([close]).tolist() == [False]
    assert Neighbours([base], NEAR).close_to([]).tolist() == []


def test_nearness_to_a_reference_is_exact_similarity():
    reference = [prose(seed, 150) for seed in range(12)]
    texts = [
        text for seed in range(12) for text in variants(seed, reference[seed], [0.01, 0.02, 0.03, 0.04, 0.06, 0.1])
    ]
    expected = [any(jaccard(text, one) >= 0.75 for one in reference) for text in texts]
    found = Neighbours(reference, NEAR).close_to(texts)
    assert not (found & ~np.array(expected)).any()
    assert 20 < sum(expected) < 60 and found.sum() >= sum(expected) - 1  # MinHash may overlook one at the threshold
