"""Every measure of a set of scores, computed once and written as tables; the notebooks only draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from themis.analysis.ranks import ranks
from themis.analysis.resampling import Resampler
from themis.analysis.resolution import resolution
from themis.progress import track
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

    found: dict[str, pl.DataFrame] = {}
    inputs = [crb, *([benchmark] if benchmark else [])]
    for name, table in track(_measures(data, resampler, pairs, seed), "measures", len(MEASURES), "table"):
        records.write(table.to_arrow(), Path(out) / f"{name}.parquet", name, inputs=inputs, seed=seed)
        found[name] = table
    return found


def _measures(
    data: Panel, resampler: Resampler, pairs: pl.DataFrame | None, seed: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each of MEASURES with its table, in their order."""
    tables = [accuracy_table(data, by, resampler).with_columns(by=pl.lit(by)) for by in data.labels]
    yield "accuracy", pl.concat(tables)
    yield "ranks", ranks(data, resampler)
    yield "comparisons", comparisons(data)
    fitted, curves = calibration(data, seed)
    yield "calibration", fitted
    yield "reliability", curves
    yield "resolution", resolution(data)
    yield "agreement", agreement(data)
    yield "criteria_correlation", criteria_correlation(data, resampler)
    yield "length_bias", length_bias(data, pairs, seed=seed, resamples=resampler.resamples)
    yield "cells", cells(data)


def load(crb: Path, benchmark: Path | None = None, trained_subsets: Sequence[str] = ()) -> Panel:
    """The panel of a table of scores, with its clusters, and the grouping `family` where `trained_subsets` are given."""
    data = panel(read_scores(crb, benchmark))
    if trained_subsets:
        data = replace(data, labels={**data.labels, "family": _families(data.labels["subset"], trained_subsets)})
    return data


def _families(subsets: np.ndarray, trained: Sequence[str]) -> np.ndarray:
    inside = {name for name in set(subsets.tolist()) if any(fnmatchcase(name, pattern) for pattern in trained)}
    return np.where(np.isin(subsets, sorted(inside)), IN_FAMILY, OUT_OF_FAMILY)
