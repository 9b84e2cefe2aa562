"""How well the criteria's classifiers do on commits kept from training."""

from __future__ import annotations

import math

import polars as pl

from themis.analysis.accuracy import ordered_groups
from themis.analysis.intervals import wilson

_SCHEMA = {"criterion": pl.String, "metric": pl.String, "n": pl.Int64} | dict.fromkeys(
    ("value", "low", "high"), pl.Float64
)


def held_out(metrics: pl.DataFrame) -> pl.DataFrame:
    """Precision and recall per criterion with Wilson's 95% interval: criterion, metric, n, value, low, high.

    n is what the share is of: commits said to improve the criterion (precision), commits that do (recall), as many of
    equal weight as tell as much. Null where a metric is missing: a classifier that is not used has no threshold to be
    precise at. `metrics` has schema "metrics", stage "aspects".
    """
    own = metrics.filter(pl.col("stage") == "aspects")
    values = {(row["subject"], row["metric"]): row["value"] for row in own.iter_rows(named=True)}
    rows = []
    for criterion in ordered_groups(own["subject"].unique().to_list()):
        precision, recall = (values.get((criterion, name)) for name in ("precision", "recall"))
        reached, improving = (values.get((criterion, name)) for name in ("reached", "improving"))
        rows += [_row(criterion, "precision", precision, reached), _row(criterion, "recall", recall, improving)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _row(criterion: str, metric: str, value: float | None, n: float | None) -> tuple:
    low, high = wilson(value * n, n) if value is not None and n else (math.nan, math.nan)
    ends = (None, None) if math.isnan(low) else (low, high)
    return criterion, metric, round(n) if n else None, value, *ends
