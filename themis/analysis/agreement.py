"""Do models decide alike, and do criteria rank models alike?"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from scipy.stats import rankdata, spearmanr

from themis.analysis.accuracy import ordered_groups
from themis.analysis.panel import OUTCOMES, Panel
from themis.analysis.resampling import Resampler

_FEWEST_MODELS = 4  # a rank correlation of fewer says nothing


def agreement(data: Panel) -> pl.DataFrame:
    """Every two models on the pairs both have scored: first, second, n, agree (share decided alike: both right, both
    tied or both wrong) and kappa (Cohen 1960), null where both always decide the same."""
    valid = (data.outcome != OUTCOMES.index("missing")).astype(np.float64)
    classes = [(data.outcome == OUTCOMES.index(name)).astype(np.float64) for name in ("win", "tie", "loss")]
    n = valid.T @ valid
    alike = sum(kind.T @ kind for kind in classes)
    # What two models with these shares, on the pairs both scored, would agree on by chance.
    by_chance = sum((kind.T @ valid) * (valid.T @ kind) for kind in classes)
    first, second = np.triu_indices(len(data.models), k=1)
    names = np.array(data.models, dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, expected = alike / n, by_chance / n**2
        kappa = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
    return pl.DataFrame(
        {
            "first": names[first].tolist(),
            "second": names[second].tolist(),
            "n": n[first, second].astype(np.int64),
            "agree": observed[first, second],
            "kappa": kappa[first, second],
        }
    ).with_columns(pl.selectors.float().fill_nan(None))


def criteria_correlation(data: Panel, resampler: Resampler, by: str = "aspect") -> pl.DataFrame:
    """Spearman's correlation, over the models, of their accuracies in every two groups: first, second, models, rho, low,
    high. low and high are percentiles over resampled prompts, the models taken as they are; the noise that resampling
    adds lowers every correlation, so both lean low. Null for fewer than four models."""
    groups = ordered_groups(set(data.labels[by].tolist()))
    accuracy = {group: data.half_credit[data.members(by, group)].mean(axis=0, dtype=float) for group in groups}
    many = len(data.models) >= _FEWEST_MODELS
    drawn = {group: rankdata(resampler.half_credit(by, group), axis=1) for group in groups} if many else {}
    rows = []
    for first, second in combinations(groups, 2):
        values: tuple[float | None, ...] = (None, None, None)
        if many and np.ptp(accuracy[first]) > 0 and np.ptp(accuracy[second]) > 0:
            rho = float(spearmanr(accuracy[first], accuracy[second]).statistic)
            values = (rho, *np.nanquantile(_correlations(drawn[first], drawn[second]), [0.025, 0.975]).tolist())
        rows.append((first, second, len(data.models), *values))
    names = {"first": pl.String, "second": pl.String, "models": pl.Int64}
    return pl.DataFrame(rows, schema=names | dict.fromkeys(("rho", "low", "high"), pl.Float64), orient="row")


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of every row of two matrices."""
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (first, second))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=1) / np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))
