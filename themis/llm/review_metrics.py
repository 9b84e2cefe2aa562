"""Numbers about the reviews: yields and agreement, by reviewer, criterion and language."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from themis.llm.agreement import alpha, compared, weighted_kappa
from themis.llm.consensus import reviewer_ratings
from themis.llm.metrics import Number, cells, mean, metrics_table, reasons


def review_metrics(agreed: pl.DataFrame, ratings: pl.DataFrame) -> pa.Table:
    """Numbers about the reviews (schema "metrics"), by subject and metric; null where there is nothing to count.

    A reviewer: pairs rated and not_rated, mean_rating, alpha_samples (interval alpha among its samples of a pair), and
    how many answers are missing for which reason or finished how. Two reviewers, `a ~ b`: pairs that both rated,
    mean_absolute_difference of their ratings, weighted_kappa (quadratic). All pairs (`all`), a criterion, a language,
    a `criterion/language`: pairs, rated, kept, mean_rating, alpha_interval and alpha_ordinal among the reviewers, and
    weighted_kappa, the mean over every two of them.
    """
    by_reviewer = reviewer_ratings(ratings).rename({"reviewer": "rater"})
    by_reviewer = by_reviewer.with_columns(unit=pl.concat_str("id", "criterion", separator="/"))
    numbers = [*_reviewers(ratings, by_reviewer), *_pairs_of_reviewers(by_reviewer), *_cells(agreed, by_reviewer)]
    return metrics_table("review", numbers)


def _reviewers(ratings: pl.DataFrame, by_reviewer: pl.DataFrame) -> Iterator[Number]:
    for (reviewer,), asked in ratings.group_by("reviewer"):
        name = str(reviewer)
        own = by_reviewer.filter(pl.col("rater") == name)["rating"]
        yield name, "rated", float(own.len())
        yield name, "not_rated", float(asked.select("id", "criterion").n_unique() - own.len())
        yield name, "mean_rating", mean(own)
        yield name, "alpha_samples", alpha(asked.with_columns(unit=pl.concat_str("id", "criterion", separator="/")))
        yield from reasons(name, asked)


def _pairs_of_reviewers(by_reviewer: pl.DataFrame) -> Iterator[Number]:
    for first, second, left, right in compared(by_reviewer):
        subject = f"{first} ~ {second}"
        yield subject, "pairs", float(left.len())
        yield subject, "mean_absolute_difference", mean((left - right).abs())
        yield subject, "weighted_kappa", weighted_kappa(left, right)


def _cells(agreed: pl.DataFrame, by_reviewer: pl.DataFrame) -> Iterator[Number]:
    rated = by_reviewer.join(agreed.select("id", "criterion", "language"), on=["id", "criterion"])
    ratings = dict(cells(rated))
    for cell, pairs in cells(agreed):
        yield cell, "pairs", float(pairs.height)
        yield cell, "rated", float((pairs["reviewers"] > 0).sum())
        yield cell, "kept", float(pairs["reason"].is_null().sum())
        yield cell, "mean_rating", mean(pairs["rating"])
        here = ratings.get(cell, rated.clear())
        kappas = [weighted_kappa(left, right) for _, _, left, right in compared(here)]
        yield cell, "alpha_interval", alpha(here)
        yield cell, "alpha_ordinal", alpha(here, level="ordinal")
        yield cell, "weighted_kappa", mean(pl.Series(kappas, dtype=pl.Float64))
