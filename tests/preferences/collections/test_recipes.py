"""The selections: what a hash draws has the distribution it should, and what is selected has the property it is named for."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from themis.preferences.collections.recipes import efficient_pairs, final_answer, passes_most, same_answer, zipfian

COSTS = st.lists(st.none() | st.floats(-1, 100, allow_nan=False), max_size=30)


@pytest.mark.parametrize(("count", "places"), [(3, 3), (10, 10), (25, 10)])
def test_a_rank_is_drawn_in_inverse_proportion_to_its_place(count, places):
    drawn = Counter(zipfian(7, f"row {at}", count) for at in range(20_000))
    assert sorted(drawn) == list(range(places))
    harmonic = sum(1 / (place + 1) for place in range(places))
    expected = [20_000 / (place + 1) / harmonic for place in range(places)]
    assert chisquare([drawn[place] for place in range(places)], expected).pvalue > 0.01


def test_a_draw_depends_on_seed_and_row_alone():
    rows = [f"row {at}" for at in range(200)]
    assert [zipfian(7, row, 10) for row in rows] == [zipfian(7, row, 10) for row in rows]
    assert [zipfian(7, row, 10) for row in rows] != [zipfian(8, row, 10) for row in rows]
    assert {zipfian(7, row, 1) for row in rows} == {0}


@given(COSTS, st.integers(1, 5))
def test_the_chosen_solution_is_five_times_as_efficient_and_none_is_used_twice(costs, most):
    pairs = efficient_pairs(7, "row", costs, 5, most)
    used = [place for pair in pairs for place in pair]
    assert len(used) == len(set(used)) <= 2 * most
    assert all(costs[cheap] > 0 and costs[dear] >= 5 * costs[cheap] for cheap, dear in pairs)
    measured = [cost for cost in costs if cost is not None and cost > 0]
    possible = any(one >= 5 * other for one in measured for other in measured)
    assert bool(pairs) == possible


def test_five_times_is_enough_and_less_is_not():
    assert efficient_pairs(1, "row", [0.3, 1.5]) == [(0, 1)]
    assert efficient_pairs(1, "row", [1.4999, 0.3]) == []
    assert efficient_pairs(1, "row", [None, 0, -1, 100]) == []


def test_which_pair_is_taken_is_chance():
    costs = [1.0, 1.0, 1.0, 9.0, 9.0, 9.0]
    taken = Counter(efficient_pairs(7, f"row {at}", costs)[0] for at in range(3000))
    assert len(taken) == 9
    assert chisquare(list(taken.values())).pvalue > 0.01


@pytest.mark.parametrize(
    ("share", "most"), [(None, False), (0, False), (0.5, False), (0.51, True), (0.99, True), (1, False)]
)
def test_most_but_not_all_tests(share, most):
    assert passes_most(share) is most


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"First \boxed{3}, so in the end \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        ("We add.\n#### 1,250", "1250"),
        ("The answer is: $12.50.\n", "25/2"),
        ("Therefore the answer is 7 apples.", "7"),
        ("2 + 2 = 4.0", "4"),
        ("Final Answer: x = Blue Sky", "x=bluesky"),
        ("No number here", None),
        (r"\boxed{never closed", None),
    ],
)
def test_the_answer_a_solution_ends_in(text, answer):
    assert final_answer(text) == answer


def test_solutions_agree_by_value_and_without_answer_with_none():
    assert same_answer("so it is 0.5", r"hence \boxed{1/2}")
    assert not same_answer("so it is 5", "so it is 6")
    assert not same_answer("no idea", "no idea")
