"""What is found as a near-duplicate is one: every pair is verified, and both engines find the same."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.similarity.clusters import clusters
from themis.similarity.minhash import duplicate_clusters, duplicate_pairs, jaccard, signatures


def shingles(text, size):
    """An independent reading: the sets of `size` consecutive words, a shorter text being one shingle."""
    words = re.findall(r"[A-Za-z0-9_]+", text)
    if not words:
        return set()
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


def exact(first, second, size):
    one, other = shingles(first, size), shingles(second, size)
    return len(one & other) / len(one | other) if one and other else 0.0


@pytest.fixture(scope="module")
def texts():
    """Forty families of texts, each a text with ever more of its words replaced."""
    draw = random.Random(5)
    made = []
    for family in range(40):
        words = [f"w{draw.randrange(500)}" for _ in range(80)]
        for replaced in (0, 1, 2, 5, 20):
            copy = list(words)
            for place in draw.sample(range(80), replaced):
                copy[place] = f"x{family}_{draw.randrange(10**6)}"
            made.append(" ".join(copy))
    return made


@given(st.text("ab _-\n", max_size=30), st.text("ab _-\n", max_size=30), st.integers(1, 4))
def test_jaccard_is_that_of_the_shingle_sets(first, second, size):
    assert jaccard(first, second, size) == pytest.approx(exact(first, second, size))


@pytest.mark.parametrize("engine", ["rensa", "datasketch"])
def test_equal_values_of_two_signatures_estimate_their_similarity(texts, engine):
    signed = signatures(texts, 5, 256, engine=engine)
    differences = [
        np.mean(signed[i] == signed[i + step]) - exact(texts[i], texts[i + step], 5)
        for i in range(0, len(texts), 5)
        for step in (1, 2, 3, 4)
    ]
    assert abs(np.mean(differences)) < 0.02
    assert np.std(differences) < 2 * np.sqrt(0.25 / 256)  # twice the largest binomial error of 256 draws


@pytest.mark.parametrize("engine", ["rensa", "datasketch"])
def test_pairs_are_exactly_those_an_exhaustive_search_finds(texts, engine):
    truth = {(i, j) for i in range(len(texts)) for j in range(i + 1, len(texts)) if exact(texts[i], texts[j], 5) >= 0.7}
    assert len(truth) > 60
    found = duplicate_pairs(texts, 0.7, 5, 256, engine=engine)
    assert {(i, j) for i, j, _ in found} <= truth
    assert len(found) / len(truth) > 0.97  # what the bands may miss near the threshold
    for i, j, value in found:
        assert value == pytest.approx(exact(texts[i], texts[j], 5))


def test_clusters_are_those_of_the_pairs(texts):
    pairs = duplicate_pairs(texts, 0.6, 5, 128)
    assert duplicate_clusters(texts, 0.6, 5, 128).tolist() == clusters(len(texts), pairs).tolist()


def test_threads_and_order_do_not_matter(texts):
    alone = duplicate_clusters(texts, 0.7, 5, 128, threads=1)
    assert duplicate_clusters(texts, 0.7, 5, 128, threads=2).tolist() == alone.tolist()
    backwards = duplicate_clusters(texts[::-1], 0.7, 5, 128)

    def groups(labels, names):
        by_label = {}
        for label, name in zip(labels, names, strict=True):
            by_label.setdefault(label, set()).add(name)
        return {frozenset(members) for members in by_label.values()}

    assert groups(backwards.tolist(), texts[::-1]) == groups(alone.tolist(), texts)


def test_a_chain_of_thousands_is_one_cluster():
    chain = [(i, i + 1) for i in range(20_000)]
    assert set(clusters(20_001, chain[::-1]).tolist()) == {0}


def test_texts_without_a_word_are_never_duplicates():
    assert duplicate_pairs(["", "  ", "{}", "a b"], 0.5, 2, 64) == []
    assert duplicate_clusters(["", "", "{}"], 0.5, 2, 64).tolist() == [0, 1, 2]
