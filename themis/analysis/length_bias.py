"""How much of a model's accuracy is a taste for length; and its accuracy with length held level."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from themis.analysis import intervals
from themis.analysis.accuracy import ordered_groups
from themis.analysis.panel import OUTCOMES, OVERALL, Panel

_SIDES = ("longer", "shorter")
_SCHEMA = {"model": pl.String, "group": pl.String, "longer": pl.Int64, "equal": pl.Int64, "shorter": pl.Int64} | (
    dict.fromkeys(
        ("accuracy_longer", "accuracy_shorter", "controlled", "low", "high", "bias", "correlation"), pl.Float64
    )
)


def length_bias(
    data: Panel,
    pairs: pl.DataFrame | None,
    *,
    by: str = "aspect",
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> pl.DataFrame:
    """A row per model over all pairs and in each group; empty where the texts (`pairs`, a benchmark table) are unknown.

    longer, equal and shorter count the pairs by the chosen response's length in characters. accuracy_longer and
    accuracy_shorter are half-credit accuracies on the first and the last; controlled is their mean (with its 95%
    bootstrap interval), what a model scores where length tells nothing; bias is accuracy_longer - accuracy_shorter.
    correlation is Spearman's between the score margin and the difference in length, over the scored pairs. Null where a
    side has no pairs.
    """
    if pairs is None:
        return pl.DataFrame(schema=_SCHEMA)
    texts = pl.DataFrame({"id": data.ids}).join(pairs, on="id", how="left", maintain_order="left")
    difference = (
        texts["chosen"].str.len_chars().cast(pl.Int64) - texts["rejected"].str.len_chars().cast(pl.Int64)
    ).to_numpy()
    margin = data.chosen - data.rejected
    rows = []
    for group in (OVERALL, *ordered_groups(set(data.labels[by].tolist()))):
        members = data.members(by, group)
        sides = {"longer": members[difference[members] > 0], "shorter": members[difference[members] < 0]}
        equal = len(members) - sum(map(len, sides.values()))
        mean = {side: data.half_credit[sides[side]].mean(axis=0, dtype=float) for side in _SIDES if len(sides[side])}
        if len(mean) == len(_SIDES):
            drawn = _level_draws(data, members, sides, intervals.generator(seed, f"length {group}"), resamples)
        for place, model in enumerate(data.models):
            counts = (len(sides["longer"]), equal, len(sides["shorter"]))
            accuracies = [float(mean[side][place]) if side in mean else None for side in _SIDES]
            level: tuple[float | None, ...] = (None,) * 4
            if len(mean) == len(_SIDES):
                ends = intervals.percentiles(drawn[:, place])
                level = ((accuracies[0] + accuracies[1]) / 2, *ends, accuracies[0] - accuracies[1])
            correlation = _correlation(data, place, members, margin, difference)
            rows.append((model, group, *counts, *accuracies, *level, correlation))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _level_draws(
    data: Panel, members: np.ndarray, sides: dict[str, np.ndarray], source: np.random.Generator, resamples: int
) -> np.ndarray:
    """Bootstrap draws [.., M] of the mean of both sides' accuracies, whole prompts drawn with their pairs of either side;
    draws that miss a side are left out."""
    inside = np.column_stack([np.isin(members, sides[side]) for side in _SIDES]).astype(np.float32)
    credit, models = data.half_credit[members], len(data.models)
    columns = np.concatenate([credit * inside[:, :1], credit * inside[:, 1:], inside], axis=1)
    means = intervals.resampled_means(columns, data.cluster[members], source, resamples)
    means = means[(means[:, 2 * models :] > 0).all(axis=1)]
    longer, shorter = (means[:, :models] / means[:, -2:-1], means[:, models:-2] / means[:, -1:])
    return (longer + shorter) / 2


def _correlation(
    data: Panel, place: int, members: np.ndarray, margin: np.ndarray, difference: np.ndarray
) -> float | None:
    scored = members[data.outcome[members, place] != OUTCOMES.index("missing")]
    own, lengths = margin[scored, place], difference[scored]
    if len(scored) < 3 or not np.ptp(own) or not np.ptp(lengths):
        return None
    return float(spearmanr(own, lengths).statistic)
