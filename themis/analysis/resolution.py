"""How finely a model's scores tell responses apart, and whether they stay in the range of its rubric."""

from __future__ import annotations

import numpy as np
import polars as pl

from themis.analysis.panel import OUTCOMES, Panel
from themis.registry import reference_model


def resolution(data: Panel) -> pl.DataFrame:
    """A row per model: model, kind, scores, distinct, distinct_share, commonest_share, tie_rate, missing_rate, least,
    greatest, out_of_range.

    scores counts responses with a score, two per pair; distinct_share is of them; tie_rate is of the scored pairs and
    missing_rate of all. out_of_range counts scores outside the registry's range for the model, null where it has none.
    """
    rows = []
    for place, model in enumerate(data.models):
        scores = np.concatenate([data.chosen[:, place], data.rejected[:, place]])
        scores = scores[~np.isnan(scores)]
        counts = np.unique(scores, return_counts=True)[1]
        outcome = data.outcome[:, place]
        scored = int((outcome != OUTCOMES.index("missing")).sum())
        facts = reference_model(model)
        outside = None if facts.range is None else int(((scores < facts.range[0]) | (scores > facts.range[1])).sum())
        n = len(scores)
        rows.append(
            {
                "model": model,
                "kind": facts.kind,
                "scores": n,
                "distinct": len(counts),
                "distinct_share": len(counts) / n if n else None,
                "commonest_share": counts.max() / n if n else None,
                "tie_rate": (outcome == OUTCOMES.index("tie")).sum() / scored if scored else None,
                "missing_rate": 1 - scored / len(outcome),
                "least": scores.min() if n else None,
                "greatest": scores.max() if n else None,
                "out_of_range": outside,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"out_of_range": pl.Int64, "scores": pl.Int64, "distinct": pl.Int64})
