"""Accuracy of every model, over all pairs and by criterion, language or subset, with ties and missing rows kept apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from themis.analysis import intervals
from themis.vocabulary import CRITERION_LABELS, LANGUAGES, NATURAL_LANGUAGE

OVERALL = "overall"  # micro average: every pair counts the same (the paper's "Average")
MACRO = "macro"  # every group counts the same

_OUTCOMES = {"win": "wins", "tie": "ties", "loss": "losses", "missing": "missing"}
_STRICT = pl.col("outcome").eq("win").cast(pl.Float64).alias("strict")
_HALF = (_STRICT + 0.5 * pl.col("outcome").eq("tie")).alias("half_credit")


def accuracy(scores: pl.DataFrame, by: str, *, seed: int = 0, resamples: int = intervals.RESAMPLES) -> pl.DataFrame:
    """One row per model and group of the column `by` (aspect, language or subset), after OVERALL and MACRO.

    Columns: model, group, n, wins, ties, losses, missing (pairs), strict (a tie is wrong) and half_credit (a tie is half
    right), each a share of n with the ends of its 95% interval: strict_low, strict_high, low, high. A missing pair is
    not right, and is in n. Intervals are Wilson's at the effective size of pairs that share a prompt; those of MACRO
    are bootstrapped over prompts within each group. `scores` is what `inputs.read_scores` returns.
    """
    models = model_names(scores)
    groups = ordered_groups(scores[by].unique().to_list())
    overall = scores.with_columns(group=pl.lit(OVERALL))
    grouped = pl.concat([overall, scores.with_columns(group=pl.col(by))])
    rows = [
        {"model": model, "group": group, **_estimates(part)}
        for (model, group), part in grouped.group_by("model", "group", maintain_order=True)
    ]
    rows += _macro(scores, by, models, groups, seed, resamples)
    ranks = {name: rank for rank, name in enumerate([OVERALL, MACRO, *groups])}
    rows.sort(key=lambda row: (models.index(row["model"]), ranks[row["group"]]))
    return pl.DataFrame(rows).with_columns(pl.col("n", *_OUTCOMES.values()).cast(pl.Int64))


def points(scores: pl.DataFrame, model: str) -> pl.DataFrame:
    """The model's pairs in the order of their ids: id, cluster, strict and half_credit (0, 1/2 or 1 each)."""
    return scores.filter(pl.col("model") == model).sort("id").select("id", "cluster", _STRICT, _HALF)


def ranking(table: pl.DataFrame) -> list[str]:
    """Models of an accuracy table, the best first by half credit over all pairs; equal ones by name."""
    overall = table.filter(pl.col("group") == OVERALL)
    return overall.sort("half_credit", "model", descending=[True, False])["model"].to_list()


def model_names(scores: pl.DataFrame) -> list[str]:
    """The models in the order of the table, which is the study's."""
    return scores["model"].unique(maintain_order=True).to_list()


def ordered_groups(names: Iterable[str]) -> list[str]:
    """Names in the vocabulary's order, then the others by name."""
    known = [*CRITERION_LABELS, *LANGUAGES, NATURAL_LANGUAGE]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def label(group: str) -> str:
    """A group as a reader sees it."""
    titles = {OVERALL: "All pairs", MACRO: "Macro average", NATURAL_LANGUAGE: "Natural language"}
    return titles.get(group) or CRITERION_LABELS.get(group) or group


def _estimates(part: pl.DataFrame) -> dict[str, float | int]:
    part = part.sort("cluster", "id").with_columns(_STRICT, _HALF)
    clusters = part["cluster"].to_numpy()
    strict = intervals.clustered_wilson(part["strict"].to_numpy(), clusters)
    half = intervals.clustered_wilson(part["half_credit"].to_numpy(), clusters)
    counts = {name: part["outcome"].eq(outcome).sum() for outcome, name in _OUTCOMES.items()}
    return {"n": part.height, **counts, **_columns(strict, half)}


def _macro(
    scores: pl.DataFrame, by: str, models: list[str], groups: list[str], seed: int, resamples: int
) -> list[dict[str, float | int | str]]:
    """The unweighted mean over the groups: one bootstrap per group, shared by all models."""
    means, draws = [], []
    for group in groups:
        part = scores.filter(pl.col(by) == group)
        tables = [points(part, model) for model in models]
        values = np.column_stack([table[name].to_numpy() for name in ("strict", "half_credit") for table in tables])
        source = intervals.generator(seed, f"macro {by} {group}")
        means.append(values.mean(axis=0))
        draws.append(intervals.resampled_means(values, tables[0]["cluster"].to_numpy(), source, resamples))
    mean, drawn = np.mean(means, axis=0), np.mean(draws, axis=0)
    estimates = [
        intervals.Estimate(float(mean[column]), *intervals.percentiles(drawn[:, column]))
        for column in range(2 * len(models))
    ]
    rows = []
    for place, model in enumerate(models):
        own = scores.filter(pl.col("model") == model)["outcome"]
        counts = {name: own.eq(outcome).sum() for outcome, name in _OUTCOMES.items()}
        columns = _columns(estimates[place], estimates[len(models) + place])
        rows.append({"model": model, "group": MACRO, "n": len(own), **counts, **columns})
    return rows


def _columns(strict: intervals.Estimate, half: intervals.Estimate) -> dict[str, float]:
    return {
        "strict": strict.value,
        "strict_low": strict.low,
        "strict_high": strict.high,
        "half_credit": half.value,
        "low": half.low,
        "high": half.high,
    }
