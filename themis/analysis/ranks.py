"""Places of the models, with how sure they are."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import rankdata

from themis.analysis.accuracy import ordered_groups
from themis.analysis.panel import OVERALL, Panel
from themis.analysis.resampling import Resampler


def ranks(data: Panel, resampler: Resampler, by: str = "aspect") -> pl.DataFrame:
    """Places by half-credit accuracy over all pairs and in each group: model, group, accuracy, rank, low, high.

    1 is the best; models that tie share the mean of their places. low and high are the 2.5% and 97.5% quantiles of the
    place over the bootstrap's draws, in which all models meet the same pairs.
    """
    parts = []
    for group in (OVERALL, *ordered_groups(set(data.labels[by].tolist()))):
        accuracy = data.half_credit[data.members(by, group)].mean(axis=0, dtype=float)
        drawn = rankdata(-resampler.half_credit(by, group), axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        parts.append(
            pl.DataFrame(
                {
                    "model": data.models,
                    "group": [group] * len(data.models),
                    "accuracy": accuracy,
                    "rank": rankdata(-accuracy),
                    "low": low,
                    "high": high,
                }
            )
        )
    return pl.concat(parts)
