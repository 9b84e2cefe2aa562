"""Accuracy in the cells of criterion and language, many of them small."""

from __future__ import annotations

import numpy as np
import polars as pl

from themis.analysis import intervals
from themis.analysis.panel import Panel

_SCHEMA = {"model": pl.String, "aspect": pl.String, "language": pl.String, "n": pl.Int64} | (
    dict.fromkeys(("half_credit", "low", "high"), pl.Float64)
)


def cells(data: Panel) -> pl.DataFrame:
    """A row per model, aspect and language with pairs: n, half_credit and Wilson's 95% interval at the effective size of
    pairs that share a prompt."""
    rows = []
    aspect, language = data.labels["aspect"], data.labels["language"]
    for one, other in sorted(set(zip(aspect.tolist(), language.tolist(), strict=True))):
        members = np.flatnonzero((aspect == one) & (language == other))
        values = data.half_credit[members]
        mean = values.mean(axis=0, dtype=float)
        size = intervals.effective_sizes(values, data.cluster[members])
        rows += [
            (model, one, other, len(members), float(m), *intervals.wilson(m * s, s))
            for model, m, s in zip(data.models, mean, size, strict=True)
        ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
