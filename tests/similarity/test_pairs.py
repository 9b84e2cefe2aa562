"""What is found as a near-duplicate is one, nearly all are found, and both engines agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.similarity.corpora import components, families, plain_jaccard, plain_shingles, similarities
from themis.similarity.bands import bands_and_rows
from themis.similarity.minhash import duplicate_pairs
from themis.similarity.signatures import Method, sign

ENGINES = ("rensa", "datasketch")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return families(5, 120)


@pytest.fixture(scope="module")
def truth(texts: list[str]) -> dict[tuple[int, int], float]:
    return similarities(texts, 5)


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """Real source: functions of the standard library's text modules, each also with a line left out and with two."""
    import difflib
    import random
    import textwrap

    draw = random.Random(9)
    found = []
    for module in (difflib, random, textwrap):
        for block in Path(module.__file__).read_text(encoding="utf-8").split("\n    def "):
            lines = block.splitlines()
            for left_out in (0, 1, 2, 6):
                if len(lines) > 12:
                    gone = set(draw.sample(range(len(lines)), left_out))
                    found.append("\n".join(line for i, line in enumerate(lines) if i not in gone))
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_equal_values_of_two_signatures_estimate_their_similarity(texts: list[str], engine: str) -> None:
    signed = sign(texts, Method(engine)).signatures
    sets = [plain_shingles(text, 5) for text in texts]
    pairs = [(i, j) for i in range(0, 480, 2) for j in range(i + 1, min(i + 40, 480))]
    differences = [np.mean(signed[i] == signed[j]) - plain_jaccard(sets[i], sets[j]) for i, j in pairs]
    assert abs(np.mean(differences)) < 0.01
    assert np.max(np.abs(differences)) < 5 * np.sqrt(0.25 / 256)  # five of the largest standard error of 256 draws


@pytest.mark.parametrize("kind", ["texts", "sources"])
@pytest.mark.parametrize("engine", ENGINES)
def test_pairs_are_those_an_exhaustive_search_finds(engine: str, kind: str, request) -> None:
    texts = request.getfixturevalue(kind)
    exact = request.getfixturevalue("truth") if kind == "texts" else similarities(texts, 5)
    found = {(i, j): value for i, j, value in duplicate_pairs(texts, Method(engine))}
    assert all(exact[pair] >= 0.7 and value == pytest.approx(exact[pair]) for pair, value in found.items())
    near = [pair for pair, value in exact.items() if value >= 0.7]
    well_above = [pair for pair, value in exact.items() if value >= 0.75]
    assert len(well_above) > 100
    assert sum(pair in found for pair in near) / len(near) > 0.97
    assert sum(pair in found for pair in well_above) / len(well_above) >= 0.98


def test_the_engines_find_the_same_clusters_up_to_what_bands_miss(texts: list[str], truth) -> None:
    pairs = [{(i, j) for i, j, _ in duplicate_pairs(texts, Method(engine))} for engine in ENGINES]
    assert all(truth[pair] < 0.75 for pair in pairs[0] ^ pairs[1])
    one, other = (components(len(texts), found) for found in pairs)
    assert np.mean(np.array(one) == np.array(other)) > 0.97


def test_short_texts_are_duplicates_of_equal_texts_only() -> None:
    texts = ["", "", "日本", "日本", "!", "a b", "a  b", "b a", "a b", "a b c d e", "a b  c d e"]
    found = duplicate_pairs(texts, Method(permutations=64))
    assert found == [(0, 1, 1.0), (2, 3, 1.0), (5, 8, 1.0), (9, 10, 1.0)]
    assert duplicate_pairs([], Method()) == []


@pytest.mark.parametrize(
    ("permutations", "threshold", "expected"),
    [(256, 0.5, (42, 6)), (256, 0.7, (25, 10)), (256, 0.75, (21, 12)), (256, 0.85, (13, 19)), (128, 0.75, (11, 11))],
)
def test_bands_have_the_least_weighted_error(permutations: int, threshold: float, expected: tuple[int, int]) -> None:
    assert bands_and_rows(threshold, permutations) == expected  # as published for equal weights
    bands, rows = bands_and_rows(threshold, permutations, 0.05)
    assert bands * rows <= permutations
    assert 1 - (1 - threshold**rows) ** bands > 1 - (1 - threshold ** expected[1]) ** expected[0]
