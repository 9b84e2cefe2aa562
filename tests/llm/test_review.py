"""A rating is the expected digit; the consensus keeps what is rated high enough and accounts for the rest."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.llm.consensus import agreement, consensus
from themis.llm.review import change_of, review
from themis.records import SCHEMAS

UNIFORM = (0.2,) * 5


def only(digit):
    return tuple(1.0 if value == digit else 0.0 for value in range(1, 6))


def test_a_rating_is_the_mean_digit_of_the_models_probabilities(make_labelled, scripted):
    table = review(make_labelled(5), scripted(lambda _: (0.1, 0.2, 0.3, 0.25, 0.15)), "r", samples=2, seed=1)
    assert table.schema == SCHEMAS["reviews"]
    assert table["rating"].to_pylist() == pytest.approx([0.1 + 0.4 + 0.9 + 1.0 + 0.75] * 10)
    keys = list(zip(table["id"].to_pylist(), table["sample"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == 10


def test_kept_pairs_with_an_aspect_are_rated_on_that_aspect_each_in_one_shard(make_labelled, scripted):
    labelled = make_labelled(
        6, kept=[True, False, True, True, True, True], aspect=["readability_maintainability", None, None] + ["security_hardness"] * 3
    )  # fmt: skip
    generator = scripted(lambda _: UNIFORM)
    whole = review(labelled, generator, "r", samples=1, seed=1)
    assert whole.num_rows == 4
    for row in whole.to_pylist():
        request = next(r for r in generator.asked if r.key.startswith(row["id"]))
        assert ("clear and easy to change" in request.user) == (row["criterion"] == "readability_maintainability")
        assert request.options == ("1", "2", "3", "4", "5")
    parts = [review(labelled, generator, "r", samples=1, seed=1, shard=i, shards=3) for i in range(3)]
    joined = pa.concat_tables(parts).sort_by("id")
    assert joined.equals(whole)
    with pytest.raises(Problem, match="shard 3"):
        review(labelled, generator, "r", samples=1, seed=1, shard=3, shards=3)


def test_a_pair_without_an_answer_has_no_rating_and_says_why(make_labelled, scripted):
    labelled = make_labelled(4)
    silent = labelled["id"][2].as_py()
    answer = lambda r: {"missing_reason": "prompt too long"} if r.key.startswith(silent) else only(5)  # noqa: E731
    reviews = review(labelled, scripted(answer), "r", samples=1, seed=1)
    row = next(row for row in reviews.to_pylist() if row["id"] == silent)
    assert (row["rating"], row["probabilities"], row["missing_reason"]) == (None, None, "prompt too long")
    accepted, ledger = consensus(labelled, [reviews], min_rating=3, policy="mean")
    assert silent not in accepted["id"].to_pylist()
    assert ledger.table().to_pylist()[0]["reason"] == "no rating"


def test_later_samples_may_turn_the_scale_round_and_the_first_never(make_labelled, scripted):
    generator = scripted(lambda _: UNIFORM)
    review(make_labelled(20), generator, "r", samples=2, seed=1)
    systems = {sample: {r.system for r in generator.asked if r.key.endswith(f"/{sample}")} for sample in (0, 1)}
    assert len(systems[0]) == 1
    assert len(systems[1]) == 2


def test_the_change_shown_holds_both_versions_whole():
    old, new = "a\nb\nc\n-- d\n", "a\nB\nc\n++ e\nf\n"
    lines = change_of(old, new).splitlines()
    assert "\n".join(line[1:] for line in lines if line[0] in " -") + "\n" == old
    assert "\n".join(line[1:] for line in lines if line[0] in " +") + "\n" == new


def rated(labelled, reviewer, ratings, **change):
    """Reviews of the pairs in order; a rating per pair or a list of samples, None for missing."""
    rows = [
        {
            "id": row["id"],
            "reviewer": reviewer,
            "criterion": row["aspect"],
            "sample": sample,
            "rating": rating,
            "probabilities": None,
            "text": None,
            "missing_reason": None if rating is not None else "prompt too long",
            **change,
        }
        for row, given in zip(labelled.to_pylist(), ratings, strict=True)
        for sample, rating in enumerate(given if isinstance(given, list) else [given])
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["reviews"])


def test_mean_and_all_differ_where_one_reviewer_objects_and_rows_add_up(make_labelled):
    splits = ["train", "train", "benchmark", "train", "benchmark", "train"]
    labelled = make_labelled(6, split=splits)
    ids = labelled["id"].to_pylist()
    first = rated(labelled, "r1", [[5.0, 5.0, 5.0], 3.0, 4.0, 2.9, None, None])
    second = rated(labelled, "r2", [1.0, 3.0, 2.5, 2.9, None, 3.5])
    third = rated(labelled, "r3", [5.0] * 6, criterion="helpfulness")  # not what the pairs are about
    expected = {"mean": {ids[i] for i in (0, 1, 2, 5)}, "all": {ids[i] for i in (1, 5)}}
    for policy, accepted_ids in expected.items():
        accepted, ledger = consensus(labelled, [first, second, third], min_rating=3, policy=policy)
        assert accepted["id"].to_pylist() == sorted(accepted_ids)
        assert accepted.schema == SCHEMAS["labelled"]
        counts = {(r["scope"], r["reason"]): (r["rows_in"], r["rows_dropped"]) for r in ledger.table().to_pylist()}
        assert counts["benchmark", "no rating"] == (2, 1)
        assert counts["train", "rating below 3"] == (4, 1 if policy == "mean" else 2)
    with pytest.raises(Problem, match="policy median"):
        consensus(labelled, [first], min_rating=3, policy="median")
    with pytest.raises(Problem, match="twice"):
        consensus(labelled, [first, first], min_rating=3, policy="mean")


def test_each_reviewer_weighs_the_same_however_many_samples(make_labelled):
    labelled = make_labelled(1)
    reviews = [rated(labelled, "r1", [[4.0] * 9]), rated(labelled, "r2", [1.0])]
    accepted, _ = consensus(labelled, reviews, min_rating=2.6, policy="mean")
    assert accepted.num_rows == 0  # (4 + 1) / 2, not (9 * 4 + 1) / 10


def test_agreement_is_what_the_formulas_say(make_labelled):
    labelled = make_labelled(6)
    left, right = [1.2, 2.0, 3.4, 4.0, 4.6, None], [1.0, 2.6, 3.0, 5.0, 5.0, 2.0]
    metrics = agreement([rated(labelled, "a", left), rated(labelled, "b", right), rated(labelled, "c", [3.0] * 6)])
    values = {(row["subject"], row["metric"]): row["value"] for row in metrics.to_pylist()}
    pairs = [(x, y) for x, y in zip(left, right, strict=True) if x is not None]
    assert values["a ~ b", "mean_absolute_difference"] == pytest.approx(sum(abs(x - y) for x, y in pairs) / 5)
    grades = [(1, 1), (2, 3), (3, 3), (4, 5), (5, 5)]  # rounded to whole grades
    observed = sum((x - y) ** 2 for x, y in grades) / 5
    by_chance = sum((x - y) ** 2 for x, _ in grades for _, y in grades) / 25
    assert values["a ~ b", "weighted_kappa"] == pytest.approx(1 - observed / by_chance)
    assert values["a ~ c", "weighted_kappa"] is None  # one grade for everything says nothing of agreement
    assert values["a", "rated"] == 5
    assert values["a", "not_rated"] == 1
