"""Scores as matrices: a row per pair, a column per model. Every measure is computed from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from themis.vocabulary import ABSENT

OUTCOMES = ("win", "tie", "loss", "missing")
OVERALL = "overall"  # the group of all pairs, whatever the grouping


@dataclass(frozen=True)
class Panel:
    """Outcomes and scores of `models` (M) on pairs (P), pairs in the order of their ids.

    `outcome` is [P, M], places in OUTCOMES; `absent` [P, M] marks pairs a run lacks, which are missing too; `chosen` and
    `rejected` are scores [P, M], not a number where missing; `cluster` [P] numbers the prompts from 0; `labels` holds
    [P] group names by the name of a grouping (aspect, language, subset, ...).
    """

    models: tuple[str, ...]
    ids: tuple[str, ...]
    cluster: np.ndarray
    outcome: np.ndarray
    absent: np.ndarray
    chosen: np.ndarray
    rejected: np.ndarray
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def strict(self) -> np.ndarray:
        """[P, M] float32: 1 for a win, else 0."""
        return (self.outcome == OUTCOMES.index("win")).astype(np.float32)

    @property
    def half_credit(self) -> np.ndarray:
        """[P, M] float32: 1 for a win, 1/2 for a tie, else 0."""
        return self.strict + np.float32(0.5) * (self.outcome == OUTCOMES.index("tie"))

    def members(self, by: str, group: str) -> np.ndarray:
        """Places [n] of the pairs of a group; of every pair for OVERALL."""
        return np.arange(len(self.ids)) if group == OVERALL else np.flatnonzero(self.labels[by] == group)


def panel(scores: pl.DataFrame) -> Panel:
    """The matrices of `scores`, as `inputs.read_scores` returns it: every model on the same pairs."""
    models = tuple(scores["model"].unique(maintain_order=True).to_list())
    place = {model: number for number, model in enumerate(models)}
    ordered = (
        scores.with_columns(place=pl.col("model").replace_strict(place, return_dtype=pl.Int64))
        .sort("place", "id")
        .with_columns(outcome=pl.col("outcome").replace_strict(dict(zip(OUTCOMES, range(4), strict=True))))
    )
    first = ordered.filter(pl.col("place") == 0)
    shape = (len(models), first.height)
    matrix = {
        name: ordered[name].to_numpy().reshape(shape).T.copy() for name in ("outcome", "chosen_score", "rejected_score")
    }
    absent = (ordered["missing_reason"] == ABSENT).fill_null(False).to_numpy().reshape(shape).T.copy()
    return Panel(
        models=models,
        ids=tuple(first["id"].to_list()),
        cluster=np.unique(first["cluster"].to_numpy(), return_inverse=True)[1],
        outcome=matrix["outcome"].astype(np.int8),
        absent=absent,
        chosen=matrix["chosen_score"].astype(float),
        rejected=matrix["rejected_score"].astype(float),
        labels={name: first[name].to_numpy().astype(str) for name in ("aspect", "language", "subset")},
    )
