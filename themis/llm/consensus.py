"""What the reviewers agree on: the rating of each pair, and which pairs stay."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.records import Ledger

POLICIES = ("mean", "trimmed", "all", "at_least")
COLUMNS = ["id", "reviewer", "criterion", "sample", "rating", "finish_reason", "missing_reason"]


def consensus(
    pairs: pl.DataFrame,
    ratings: pl.DataFrame,
    *,
    policy: str,
    min_rating: float,
    min_reviewers: int = 1,
    at_least: int = 1,
    trim: float = 0.2,
) -> pl.DataFrame:
    """The `pairs` (id, criterion, ...), by id, with `reviewers`, how many rated each, `rating`, what they agree on, and
    `reason`, why a pair is dropped (null: it stays).

    A reviewer's rating is the mean of its samples. The policy makes one number of the reviewers' ratings, which must
    reach `min_rating` (to nine decimals; equal is enough): `mean`; `trimmed`, the mean without that share of the
    ratings at either end, rounded down to whole ratings; `all`, the lowest; `at_least`, the one at that place from the
    highest, so that so many reach it. Ratings that are missing do not count, but `min_reviewers` must have rated, and
    with `at_least` so many. Raises Problem where the policy is not known.
    """
    if policy not in POLICIES:
        raise Problem(f"consensus policy {policy} is none of {', '.join(POLICIES)}")
    least = max(min_reviewers, at_least if policy == "at_least" else 1)
    given = pl.col("given")
    cut = (given.list.len() * trim + 1e-9).floor().cast(pl.Int64)
    number = {
        "mean": given.list.mean(),
        "trimmed": given.list.slice(cut, given.list.len().cast(pl.Int64) - 2 * cut).list.mean(),
        "all": given.list.min(),
        "at_least": given.list.get(-at_least, null_on_oob=True),
    }[policy].round(9)
    agreed = reviewer_ratings(ratings).group_by("id", "criterion").agg(given=pl.col("rating").sort())
    return (
        pairs.join(agreed, on=["id", "criterion"], how="left")
        .with_columns(given.fill_null([]))
        .with_columns(reviewers=given.list.len(), rating=number)
        .with_columns(
            reason=pl.when(pl.col("reviewers") == 0).then(pl.lit("no rating"))
            .when(pl.col("reviewers") < least).then(pl.lit(f"rated by fewer than {least} reviewers"))
            .when(pl.col("rating") < min_rating).then(pl.lit(f"rating below {min_rating:g}"))
        )
        .drop("given").sort("id")
    )  # fmt: skip


def ledger_of(agreed: pl.DataFrame) -> Ledger:
    """The pairs kept and dropped, by split and reason."""
    ledger = Ledger("review")
    for split, reason, rows in agreed.group_by("split", "reason").len().iter_rows():
        if reason is None:
            ledger.keep(split, rows)
        else:
            ledger.drop(reason, split, rows)
    return ledger


def ratings_in(reviews: Sequence[pa.Table]) -> pl.DataFrame:
    """The rows of all reviews without their texts. Raises Problem where a reviewer's sample of a pair is there twice."""
    frame = pl.concat([pl.DataFrame(pl.from_arrow(table.select(COLUMNS))) for table in reviews])
    twice = frame.filter(frame.select("id", "reviewer", "criterion", "sample").is_duplicated())
    if twice.height:
        raise Problem(f"reviews: {twice['reviewer'][0]} rates pair {twice['id'][0]} twice; is one file given twice?")
    return frame


def reviewer_ratings(ratings: pl.DataFrame) -> pl.DataFrame:
    """The mean of each reviewer's samples: id, criterion, reviewer, rating; sorted, without those it did not rate."""
    return (
        ratings.filter(pl.col("rating").is_not_null())
        .group_by("id", "criterion", "reviewer").agg(pl.col("rating").sort().mean())
        .sort("id", "criterion", "reviewer")
    )  # fmt: skip
