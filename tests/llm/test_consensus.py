"""The consensus keeps what the policy says by the reviewers that did rate, and accounts for every other pair."""

from __future__ import annotations

import itertools
import statistics

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import trim_mean

from themis.errors import Problem
from themis.llm.consensus import POLICIES, consensus, ledger_of, ratings_in
from themis.llm.review_metrics import review_metrics
from themis.records import SCHEMAS

CRITERION = "memory_efficiency"


def pairs(count, **columns):
    frame = {"id": [f"{n:02}" for n in range(count)], "split": "train", "language": "Go", "criterion": CRITERION}
    return pl.DataFrame({**frame, **columns})


def rated(reviewer, ratings, criterion=CRITERION, **change):
    """Reviews of pairs 00, 01, ...: a rating each or a list of samples, None for missing."""
    rows = [
        {"id": f"{n:02}", "reviewer": reviewer, "criterion": criterion, "sample": sample, "rating": rating,
         "finish_reason": None, "missing_reason": None if rating is not None else "prompt too long", **change}
        for n, given in enumerate(ratings)
        for sample, rating in enumerate(given if isinstance(given, list) else [given])
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMAS["reviews"])


def agree(count, *reviews, policy="mean", min_rating=3.0, **bars):
    return consensus(pairs(count), ratings_in(reviews), policy=policy, min_rating=min_rating, **bars)


def kept(agreed):
    return agreed.filter(pl.col("reason").is_null())["id"].to_list()


RATING = st.one_of(st.none(), st.integers(10, 50).map(lambda tenths: tenths / 10))


@settings(max_examples=40)
@given(st.lists(st.lists(RATING, min_size=5, max_size=5), min_size=1, max_size=6))
def test_every_policy_decides_by_its_own_arithmetic_on_the_ratings_that_are_there(given_ratings):
    reviews = [rated(f"r{k}", [row[k] for row in given_ratings]) for k in range(5)]
    bars = {"min_reviewers": 2, "at_least": 3, "trim": 0.2}
    for policy, least in itertools.product(POLICIES, (2.5, 3.0)):
        agreed = agree(len(given_ratings), *reviews, policy=policy, min_rating=least, **bars)
        for row, there in zip(agreed.iter_rows(named=True), given_ratings, strict=True):
            found = [rating for rating in there if rating is not None]
            assert (row["reviewers"], row["reason"]) == (len(found), why_dropped(policy, found, least))


def why_dropped(policy, found, least):
    """What the policy says in plain words, of at least two ratings, or three of which so many must be high."""
    needed = 3 if policy == "at_least" else 2
    if len(found) < needed:
        return f"rated by fewer than {needed} reviewers" if found else "no rating"
    stays = {
        "mean": round(statistics.fmean(found), 9) >= least,
        "trimmed": round(float(trim_mean(found, 0.2)), 9) >= least,
        "all": all(rating >= least for rating in found),
        "at_least": sum(rating >= least for rating in found) >= 3,
    }
    return None if stays[policy] else f"rating below {least:g}"


def test_a_rating_that_is_equal_is_enough_whatever_the_last_digit_of_a_sum():
    ratings = (1.0, 1.0, 4.6)
    assert sum(ratings) / 3 < 2.2  # the last digit of a float
    reviews = [rated(f"r{k}", [rating]) for k, rating in enumerate(ratings)]
    assert kept(agree(1, *reviews, min_rating=2.2)) == ["00"]
    assert kept(agree(1, *reviews, min_rating=2.200001)) == []


def test_a_reviewer_weighs_the_same_however_many_samples_it_gave():
    reviews = [rated("r1", [[4.0] * 9]), rated("r2", [1.0])]
    assert kept(agree(1, *reviews, min_rating=2.6)) == []  # (4 + 1) / 2, not (9 * 4 + 1) / 10
    assert kept(agree(1, *reviews, min_rating=2.5)) == ["00"]
    # One reviewer's samples are its one rating: 5 and 1 are a 3 of one, not two ratings.
    assert kept(agree(1, rated("r1", [[5.0, 1.0]]), policy="all")) == ["00"]


def test_ratings_of_another_criterion_and_reviewers_given_twice():
    assert agree(1, rated("r1", [5.0], criterion="helpfulness"))["reason"].to_list() == ["no rating"]
    with pytest.raises(Problem, match="r1 rates pair 00 twice"):
        agree(1, rated("r1", [5.0]), rated("r1", [4.0]))
    with pytest.raises(Problem, match="policy median"):
        agree(1, rated("r1", [5.0]), policy="median")


def test_every_pair_is_in_the_ledger_by_split_and_reason():
    rows = pairs(5, split=["train", "train", "benchmark", "train", "benchmark"])
    ratings = ratings_in([rated("r1", [5.0, 2.0, None, 3.0, 3.5])])
    agreed = consensus(rows, ratings, policy="mean", min_rating=3.0)
    found = {(row["scope"], row["reason"]): row for row in ledger_of(agreed).table().to_pylist()}
    assert {key: row["rows_dropped"] for key, row in found.items()} == {
        ("benchmark", "no rating"): 1,
        ("train", "rating below 3"): 1,
    }
    assert {key: (row["rows_in"], row["rows_kept"]) for key, row in found.items()} == {
        ("benchmark", "no rating"): (2, 1),
        ("train", "rating below 3"): (3, 2),
    }
    assert kept(agreed) == ["00", "03", "04"]


def metrics(agreed, *reviews):
    table = review_metrics(agreed, ratings_in(reviews))
    assert table.schema == SCHEMAS["metrics"]
    return {(row["subject"], row["metric"]): row["value"] for row in table.to_pylist()}


def test_numbers_about_reviewers_and_pairs_of_them_are_what_the_formulas_say():
    left, right = [1.2, 2.0, 3.4, 4.0, 4.6, None], [1.0, 2.6, 3.0, 5.0, 5.0, 2.0]
    reviews = [rated("a", left), rated("b", right, finish_reason="stop"), rated("c", [3.0] * 6)]
    values = metrics(agree(6, *reviews), *reviews)
    both = [(x, y) for x, y in zip(left, right, strict=True) if x is not None]
    assert values["a ~ b", "pairs"] == 5
    assert values["a ~ b", "mean_absolute_difference"] == pytest.approx(sum(abs(x - y) for x, y in both) / 5)
    grades = [(1, 1), (2, 3), (3, 3), (4, 5), (5, 5)]  # rounded to whole grades
    observed = sum((x - y) ** 2 for x, y in grades) / 5
    by_chance = sum((x - y) ** 2 for x, _ in grades for _, y in grades) / 25
    assert values["a ~ b", "weighted_kappa"] == pytest.approx(1 - observed / by_chance)
    assert values["a ~ c", "weighted_kappa"] is None  # one grade for everything says nothing of agreement
    assert (values["a", "rated"], values["a", "not_rated"], values["a", "missing: prompt too long"]) == (5, 1, 1)
    assert values["b", "finished: stop"] == 6
    assert values["a", "mean_rating"] == pytest.approx(3.04)
    assert values["a", "alpha_samples"] is None


def test_yields_and_agreement_are_told_by_criterion_and_language_and_add_up():
    rows = pairs(8, criterion=["x"] * 4 + ["y"] * 4, language=["Go", "Go", "C", "C"] * 2)
    given = [5.0, 2.0, 4.0, None, 4.0, 1.0, 2.0, 5.0]
    other = [5.0, 2.0, 1.0, None, 4.0, 2.0, 4.0, 5.0]
    reviews = [
        pa.concat_tables([rated(name, ratings[:4], "x"), rated(name, [None] * 4 + ratings[4:], "y").slice(4)])
        for name, ratings in (("a", given), ("b", other))
    ]
    agreed = consensus(rows, ratings_in(reviews), policy="mean", min_rating=3.0)
    values = metrics(agreed, *reviews)
    yields = {
        cell: [values[cell, name] for name in ("pairs", "rated", "kept")] for cell in ("all", "x", "y", "Go", "C")
    }
    assert yields == {"all": [8, 7, 4], "x": [4, 3, 1], "y": [4, 4, 3], "Go": [4, 4, 2], "C": [4, 3, 2]}
    assert [values[cell, "kept"] for cell in ("x/Go", "x/C", "y/Go", "y/C")] == [1, 0, 1, 2]
    assert values["x/Go", "alpha_interval"] == values["x/Go", "weighted_kappa"] == 1
    # By hand: two units 4-4, 1-2, 2-4, 5-5 of y.
    assert values["y", "alpha_interval"] == pytest.approx(
        1 - (1 + 4) / 8 / statistics.variance([4, 4, 1, 2, 2, 4, 5, 5])
    )
    assert values["all", "alpha_ordinal"] is not None
    assert values["y", "mean_rating"] == pytest.approx((4 + 1.5 + 3 + 5) / 4)
