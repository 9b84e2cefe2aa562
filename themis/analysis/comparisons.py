"""Is one model better than another? The paired test between any two, corrected for how many are compared."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from themis.analysis.accuracy import ordered_groups
from themis.analysis.intervals import cluster_totals
from themis.analysis.panel import OVERALL, Panel

_SCHEMA = {"first": pl.String, "second": pl.String, "group": pl.String, "n": pl.Int64, "prompts": pl.Int64} | (
    dict.fromkeys(("difference", "low", "high", "statistic", "p", "p_holm"), pl.Float64)
)


def comparisons(data: Panel, by: str = "aspect") -> pl.DataFrame:
    """Every two models over all pairs and in each group: first, second, group, n, prompts, difference, low, high,
    statistic, p, p_holm.

    difference is the mean of first - second in half-credit accuracy over the same n pairs, with its 95% interval.
    statistic is Student's t on prompts - 1 degrees of freedom with the cluster-robust standard error: with a prompt per
    pair, the paired t test; p is two-sided. p_holm is corrected for all comparisons of the group (Holm 1979). Null where
    nothing can be tested: one prompt, or differences that are all alike; models that never differ have p = 1.
    """
    first, second = np.triu_indices(len(data.models), k=1)
    names = np.array(data.models, dtype=object)
    parts = []
    for group in (OVERALL, *ordered_groups(set(data.labels[by].tolist()))):
        members = data.members(by, group)
        difference, error, prompts = _differences(data.half_credit[members], data.cluster[members])
        delta, spread = difference[first, second], error[first, second]
        statistic = np.divide(delta, spread, out=np.full_like(delta, np.nan), where=spread > 0)
        p = np.where(
            np.isnan(statistic), np.where(delta == 0, 1.0, np.nan), 2 * student.sf(np.abs(statistic), prompts - 1)
        )
        reach = np.where(np.isnan(p), np.nan, student.ppf(0.975, prompts - 1) * spread)
        columns = (
            names[first], names[second], [group] * len(delta), [len(members)] * len(delta), [prompts] * len(delta),
            delta, delta - reach, delta + reach, statistic, p, _holm(p),
        )  # fmt: skip
        parts.append(pl.DataFrame(dict(zip(_SCHEMA, map(list, columns), strict=True)), schema=_SCHEMA))
    return pl.concat(parts).with_columns(pl.selectors.float().fill_nan(None)) if parts else pl.DataFrame(schema=_SCHEMA)


def _differences(values: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean differences [M, M] and their cluster-robust standard errors, from the totals of each prompt."""
    totals, sizes = cluster_totals(values, clusters)
    n, prompts = sizes.sum(), len(sizes)
    mean = totals.sum(axis=0) / n
    delta = mean[:, None] - mean[None, :]
    gram = totals.T @ totals
    squares = np.diag(gram)[:, None] + np.diag(gram)[None, :] - 2 * gram
    weighted = totals.T @ sizes
    cross = delta * (weighted[:, None] - weighted[None, :])
    around = squares - 2 * cross + delta**2 * (sizes @ sizes)
    around[around < 1e-9] = 0.0  # what rounding leaves of a difference that does not vary
    variance = around / n**2 * prompts / max(1, prompts - 1)
    return delta, np.sqrt(variance), prompts


def _holm(p: np.ndarray) -> np.ndarray:
    tested = ~np.isnan(p)
    corrected = np.full_like(p, np.nan)
    if tested.any():
        corrected[tested] = multipletests(p[tested], method="holm")[1]
    return corrected
