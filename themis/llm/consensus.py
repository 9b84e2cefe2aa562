"""What the reviewers agree on: which pairs stay, and how far the reviewers agree at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.records import SCHEMAS, Ledger

POLICIES = ("mean", "all")


def consensus(
    labelled: pa.Table, reviews: Sequence[pa.Table], *, min_rating: float, policy: str
) -> tuple[pa.Table, Ledger]:
    """The pairs (kept, with an aspect) whose rating on their aspect is at least `min_rating`, by id, and the ledger.

    Policy `mean` takes the mean of the reviewers' means, so that each weighs the same however many samples it gave;
    `all` takes the lowest rating of any. Ratings that are missing do not count; a pair without any is dropped.
    """
    if policy not in POLICIES:
        raise Problem(f"consensus policy {policy} is none of {', '.join(POLICIES)}")
    rows = pl.DataFrame(pl.from_arrow(labelled)).filter(pl.col("kept") & pl.col("aspect").is_not_null()).sort("id")
    ratings = (
        _ratings(reviews)
        .join(rows.select("id", criterion="aspect"), on=["id", "criterion"])
        .group_by("id", "reviewer").agg(mean=pl.col("rating").sort().mean(), lowest=pl.col("rating").min())
        .group_by("id").agg(mean=pl.col("mean").sort().mean(), all=pl.col("lowest").min())
        .select("id", rating=policy)
    )  # fmt: skip
    rated = rows.join(ratings, on="id", how="left", maintain_order="left")
    ledger = Ledger("review")
    for split, rating in rated.select("split", "rating").iter_rows():
        if rating is None:
            ledger.drop("no rating", split)
        elif rating < min_rating:
            ledger.drop(f"rating below {min_rating:g}", split)
        else:
            ledger.keep(split)
    accepted = rated.filter(pl.col("rating") >= min_rating).drop("rating")
    return accepted.to_arrow().cast(SCHEMAS["labelled"]), ledger


def agreement(reviews: Sequence[pa.Table]) -> pa.Table:
    """Numbers about the reviewers (schema "metrics"), by subject and metric.

    For each: pairs rated, pairs without a rating, mean rating. For every two: mean absolute difference of their
    ratings, and Cohen's kappa with quadratic weights of the ratings rounded to whole grades (null where one of the two
    gave everything the same grade), both over the pairs that both rated.
    """
    ratings = (
        _ratings(reviews)
        .group_by("reviewer", "id", "criterion").agg(pl.col("rating").sort().mean())
        .sort("reviewer", "id", "criterion")
    )  # fmt: skip
    asked = pl.concat([_frame(table).select("reviewer", "id", "criterion") for table in reviews]).unique()
    numbers: list[tuple[str, str, float | None]] = []
    reviewers = sorted(asked["reviewer"].unique())
    for reviewer in reviewers:
        own = ratings.filter(pl.col("reviewer") == reviewer)["rating"]
        total = asked.filter(pl.col("reviewer") == reviewer).height
        numbers += [(reviewer, "rated", float(len(own))), (reviewer, "not_rated", float(total - len(own)))]
        numbers.append((reviewer, "mean_rating", _mean(own)))
    for left, right in combinations(reviewers, 2):
        both = ratings.filter(pl.col("reviewer") == left).join(
            ratings.filter(pl.col("reviewer") == right), on=["id", "criterion"], maintain_order="left"
        )
        subject = f"{left} ~ {right}"
        numbers.append((subject, "mean_absolute_difference", _mean((both["rating"] - both["rating_right"]).abs())))
        numbers.append((subject, "weighted_kappa", _kappa(both["rating"], both["rating_right"])))
    rows = [
        {"stage": "review", "subject": subject, "metric": metric, "step": None, "value": value}
        for subject, metric, value in sorted(numbers, key=lambda number: number[:2])
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["metrics"])


def _ratings(reviews: Sequence[pa.Table]) -> pl.DataFrame:
    frame = pl.concat([_frame(table) for table in reviews])
    twice = frame.filter(frame.select("id", "reviewer", "criterion", "sample").is_duplicated())
    if twice.height:
        raise Problem(f"reviews: {twice['reviewer'][0]} rates pair {twice['id'][0]} twice; is one file given twice?")
    return frame.filter(pl.col("rating").is_not_null())


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table.select(["id", "reviewer", "criterion", "sample", "rating"])))


def _mean(values: pl.Series) -> float | None:
    return math.fsum(values) / len(values) if len(values) else None


def _kappa(left: pl.Series, right: pl.Series) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    grades = [[math.floor(value + 0.5) for value in side] for side in (left, right)]
    if any(len(set(side)) < 2 for side in grades):
        return None
    return float(cohen_kappa_score(*grades, labels=[1, 2, 3, 4, 5], weights="quadratic"))
