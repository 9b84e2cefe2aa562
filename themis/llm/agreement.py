"""How far raters agree: Krippendorff's alpha and weighted kappa."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import polars as pl


def alpha(ratings: pl.DataFrame, *, level: str = "interval") -> float | None:
    """Krippendorff's alpha of the `rating` that each `unit` got, from any number of raters, any of them missing.

    1 - observed / expected disagreement, that is the squared difference of two ratings of one unit, and of any two.
    At level `ordinal` a rating counts by its rank, equal ones sharing their mean rank: the sum over the ranks between,
    by which Krippendorff (2011) defines it, is their difference. Units with one rating do not count. Null where fewer
    than two ratings do, or where they are all equal.
    """
    if level not in ("interval", "ordinal"):
        raise ValueError(f"level {level} is neither interval nor ordinal")
    paired = ratings.select("unit", "rating").filter(pl.col("rating").is_not_null())
    paired = paired.filter(pl.len().over("unit") > 1).sort("unit", "rating")
    if level == "ordinal":
        paired = paired.with_columns(pl.col("rating").rank("average"))
    spread = paired["rating"].sort().var()
    if not spread:
        return None
    # The mean squared difference of two of n values is twice their variance.
    within = paired.group_by("unit").agg(weighted=pl.len() * pl.col("rating").var())["weighted"]
    return 1 - math.fsum(within) / (paired.height * float(spread))


def compared(ratings: pl.DataFrame) -> Iterator[tuple[str, str, pl.Series, pl.Series]]:
    """Every two raters, by name, with what both of them gave the units that both rated (columns unit, rater, rating)."""
    raters = {str(key[0]): frame for key, frame in ratings.group_by("rater")}
    for left, right in combinations(sorted(raters), 2):
        both = raters[left].join(raters[right], on="unit").sort("unit")
        yield left, right, both["rating"], both["rating_right"]


def weighted_kappa(left: Sequence[float] | pl.Series, right: Sequence[float] | pl.Series) -> float | None:
    """Cohen's kappa with quadratic weights of two raters' ratings, rounded to the grades 1 to 5, halves up.

    Null where there is none, or one of the two gave everything the same grade.
    """
    from sklearn.metrics import cohen_kappa_score

    grades = [[math.floor(value + 0.5) for value in side] for side in (left, right)]
    if any(len(set(side)) < 2 for side in grades):
        return None
    return float(cohen_kappa_score(*grades, labels=[1, 2, 3, 4, 5], weights="quadratic"))
