"""Every measure of a set of scores, computed once and written as tables; the notebooks only draw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import polars as pl

from themis import records
from themis.analysis import intervals
from themis.analysis.accuracy import IN_FAMILY, OUT_OF_FAMILY, accuracy_table
from themis.analysis.agreement import agreement, criteria_correlation
from themis.analysis.calibration import calibration
from themis.analysis.cells import cells
from themis.analysis.comparisons import comparisons
from themis.analysis.inputs import read_scores, read_table
from themis.analysis.length_bias import length_bias
from themis.analysis.panel import Panel, panel
from themis.analysis.prompts import shared_prompts
from themis.analysis.ranks import ranks
from themis.analysis.resampling import Resampler
from themis.analysis.resolution import resolution
from themis.progress import bar
from themis.records.measures import MEASURES


def measure(
    crb: Path,
    out: Path,
    *,
    benchmark: Path | None = None,
    trained_subsets: Sequence[str] = (),
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> dict[str, pl.DataFrame]:
    """Write OUT/<measure>.parquet for every one of MEASURES, each with the schema of its name, and return them.

    Pairs that share a prompt are resampled together: by the benchmark's texts, or, without them, by responses that
    models score alike (`prompts.shared_prompts`). `trained_subsets` are patterns (`*`, `?`) of the subsets whose families
    are in the training mix too; with any, accuracy has the grouping `family`.
    """
    data = load(crb, benchmark, trained_subsets)
    pairs = read_table(benchmark, "benchmark") if benchmark else None
    resampler = Resampler(data, seed, resamples)

    def accuracies() -> pl.DataFrame:
        groupings = list(data.labels)
        tables = [accuracy_table(data, by, resampler).with_columns(by=pl.lit(by)) for by in groupings]
        return pl.concat(tables)

    calibrated: list[pl.DataFrame] = []
    steps: dict[str, Callable[[], pl.DataFrame]] = {
        "accuracy": accuracies,
        "ranks": lambda: ranks(data, resampler),
        "comparisons": lambda: comparisons(data),
        "calibration": lambda: calibrated.extend(calibration(data, seed)) or calibrated[0],
        "reliability": lambda: calibrated[1],
        "resolution": lambda: resolution(data),
        "agreement": lambda: agreement(data),
        "criteria_correlation": lambda: criteria_correlation(data, resampler),
        "length_bias": lambda: length_bias(data, pairs, seed=seed, resamples=resamples),
        "cells": lambda: cells(data),
    }
    found = {}
    inputs = [crb, *([benchmark] if benchmark else [])]
    with bar("measures", len(MEASURES), "table") as shown:
        for name in MEASURES:
            shown.set_postfix_str(name, refresh=True)
            found[name] = steps[name]()
            records.write(found[name].to_arrow(), Path(out) / f"{name}.parquet", name, inputs=inputs, seed=seed)
            shown.update()
    return found


def load(crb: Path, benchmark: Path | None = None, trained_subsets: Sequence[str] = ()) -> Panel:
    """The panel of a table of scores, with its clusters, and the grouping `family` where `trained_subsets` are given."""
    data = panel(read_scores(crb, benchmark))
    if benchmark is None:
        data = replace(data, cluster=shared_prompts(data))
    if trained_subsets:
        data = replace(data, labels={**data.labels, "family": _families(data.labels["subset"], trained_subsets)})
    return data


def _families(subsets: np.ndarray, trained: Sequence[str]) -> np.ndarray:
    inside = {name for name in set(subsets.tolist()) if any(fnmatchcase(name, pattern) for pattern in trained)}
    return np.where(np.isin(subsets, sorted(inside)), IN_FAMILY, OUT_OF_FAMILY)
