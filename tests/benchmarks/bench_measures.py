"""All measures of 51 models on 8,866 pairs with 10,000 draws, beside SciPy's bootstrap of the same intervals."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import bootstrap

from tests.benchmarks.result import Result
from themis import records
from themis.analysis.measure import measure as compute
from themis.registry import known_models
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

PAIRS, SUBSETS, DRAWS = 8866, 19, 10_000
SAMPLE = 3  # intervals that the peer computes; the others would take as long each


def measure() -> Result:
    """Seconds per interval. The scores are made up; ours includes reading, every other measure, and writing."""
    source = np.random.default_rng(0)
    place = np.arange(PAIRS)
    labels = {
        "aspect": [CODE_CRITERIA[i % 5].value for i in place],
        "language": [list(LANGUAGES)[i % 8] for i in place],
        "subset": [f"S{i % SUBSETS:02d}" for i in place],
    }
    with tempfile.TemporaryDirectory() as folder:
        crb = Path(folder, "crb.parquet")
        margins = {model.name: source.normal(0.8, 1, PAIRS) for model in known_models()}
        records.write(pl.concat(_rows(*item, labels) for item in margins.items()).to_arrow(), crb, "scores")
        began = time.perf_counter()
        found = compute(crb, Path(folder, "measures"), trained_subsets=["S0*"], resamples=DRAWS)
        ours = time.perf_counter() - began
    intervals = 2 * found["accuracy"].filter(pl.col("method") == "bootstrap").height  # strict and half credit

    values = next(iter(margins.values())) > 0
    began = time.perf_counter()
    for seed in range(SAMPLE):
        bootstrap((values,), np.mean, n_resamples=DRAWS, method="percentile", batch=200, rng=seed)
    peer = (time.perf_counter() - began) / SAMPLE
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    note = f"all measures {ours:.1f} s (bar 60), at most {memory:.2f} GiB (bar 2), {intervals:,} intervals"
    return Result("s an interval", ours / intervals, peer, "scipy.stats.bootstrap, one accuracy", 20, note)


def _rows(model: str, margin: np.ndarray, labels: dict[str, list[str]]) -> pl.DataFrame:
    n = len(margin)
    return pl.DataFrame(
        {
            "model": [model] * n,
            "benchmark": ["made up"] * n,
            "id": [f"{i:05d}" for i in range(n)],
            "chosen_score": margin,
            "rejected_score": np.zeros(n),
            "outcome": np.where(margin > 0, "win", "loss"),
            "missing_reason": pl.Series([None] * n, dtype=pl.String),
            "truncated": pl.Series([None] * n, dtype=pl.Boolean),
            "prompt_mode": ["imported"] * n,
            **labels,
        }
    )
