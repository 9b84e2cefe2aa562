"""Agreement is what its authors' formulas and their published examples say."""

from __future__ import annotations

import math
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from themis.llm.agreement import alpha, compared, weighted_kappa

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: four observers, twelve units.
OBSERVERS = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
# The example of three coders in the literature on alpha (Wikipedia, Krippendorff's alpha).
CODERS = [
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
]


def ratings(table):
    rows = [
        {"unit": str(unit), "rater": str(rater), "rating": float(value)}
        for rater, line in enumerate(table)
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    return pl.DataFrame(rows, schema={"unit": pl.String, "rater": pl.String, "rating": pl.Float64})


def test_alpha_is_the_published_one():
    assert alpha(ratings(OBSERVERS)) == pytest.approx(0.849, abs=5e-4)
    assert alpha(ratings(OBSERVERS), level="ordinal") == pytest.approx(0.815, abs=5e-4)
    assert alpha(ratings(CODERS)) == pytest.approx(0.811, abs=5e-4)
    assert alpha(ratings(CODERS), level="ordinal") == pytest.approx(0.807, abs=5e-4)


def by_definition(units, distance):
    """Alpha from the coincidences of values, as Krippendorff defines it: slow and plain."""
    units = [values for values in units if len(values) > 1]
    coincidences = {}
    for values in units:
        for left, right in permutations(range(len(values)), 2):
            key = values[left], values[right]
            coincidences[key] = coincidences.get(key, 0) + 1 / (len(values) - 1)
    counts = {}
    for (left, _), times in coincidences.items():
        counts[left] = counts.get(left, 0) + times
    total = sum(counts.values())
    observed = sum(times * distance(a, b, counts) for (a, b), times in coincidences.items()) / total
    expected = sum(counts[a] * counts[b] * distance(a, b, counts) for a in counts for b in counts)
    expected /= total * (total - 1)
    return 1 - observed / expected


def interval(a, b, _):
    return (a - b) ** 2


def ordinal(a, b, counts):
    low, high = min(a, b), max(a, b)
    return (sum(n for value, n in counts.items() if low <= value <= high) - (counts[a] + counts[b]) / 2) ** 2


@given(st.lists(st.lists(st.sampled_from([1.0, 2.0, 2.5, 4.0, 5.0]), max_size=4), min_size=2, max_size=8))
def test_alpha_is_one_less_observed_over_expected_disagreement(units):
    rows = [(str(unit), value) for unit, values in enumerate(units) for value in values]
    frame = pl.DataFrame(rows, schema={"unit": pl.String, "rating": pl.Float64}, orient="row")
    paired = [value for values in units if len(values) > 1 for value in values]
    for level, distance in (("interval", interval), ("ordinal", ordinal)):
        found = alpha(frame.sample(fraction=1.0, shuffle=True, seed=3), level=level)
        if len(set(paired)) < 2:
            assert found is None
        else:
            assert found == pytest.approx(by_definition(units, distance), abs=1e-9)


def test_alpha_has_its_poles_and_says_nothing_where_nothing_varies():
    assert alpha(ratings(["1 2 3 4", "1 2 3 4"])) == 1
    assert alpha(ratings(["1 2", "2 1"])) == pytest.approx(-0.5)
    assert alpha(ratings(["3 3 3", "3 3 3"])) is None
    assert alpha(ratings(["1 2 3"])) is None
    assert alpha(ratings([])) is None
    with pytest.raises(ValueError, match="level ratio"):
        alpha(ratings(CODERS), level="ratio")


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=30))
def test_kappa_is_that_of_statsmodels(pairs):
    left, right = [list(map(float, side)) for side in zip(*pairs, strict=True)]
    found = weighted_kappa(left, right)
    if len(set(left)) < 2 or len(set(right)) < 2:
        assert found is None
    else:
        table = [[sum(pair == (a, b) for pair in pairs) for b in range(1, 6)] for a in range(1, 6)]
        assert found == pytest.approx(cohens_kappa(table, wt="quadratic", return_results=True).kappa)


def test_kappa_rounds_to_grades_halves_up():
    assert weighted_kappa([1.2, 2.5, 4.5], [1.0, 3.0, 5.0]) == 1
    assert weighted_kappa([1.2, 2.49, 4.5], [1.0, 3.0, 5.0]) < 1


def test_every_two_raters_are_compared_on_what_both_rated():
    found = {(a, b): (left.to_list(), right.to_list()) for a, b, left, right in compared(ratings(CODERS))}
    assert set(found) == {("0", "1"), ("0", "2"), ("1", "2")}
    assert sorted(zip(*found["0", "1"], strict=True)) == [(1, 3), (3, 3), (4, 4)]
    assert math.fsum(found["0", "2"][0]) == 3 + 4 + 2 + 1 + 1 + 3 + 3 + 3
