"""51 runs of 8,866 pairs imported, checked and gathered into crb.parquet, beside pandas that only joins and writes them.

THEMIS_BENCH_RUNS names the folder of published runs; where there is none, made-up ones of that size are read.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.result import Result
from themis.records import read
from themis.registry import known_models
from themis.score.gather import gather_scores
from themis.score.imported import import_runs
from themis.vocabulary import PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES

PAIRS, MOST_SECONDS = 8866, 5
_PUBLISHED = Path(__file__).parents[3] / "shared/reference/published_runs"


def measure() -> Result:
    """Seconds for all. The wins of every model are counted again from its own file."""
    given = Path(os.environ.get("THEMIS_BENCH_RUNS", _PUBLISHED))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = given if given.is_dir() else _made_up(folder / "runs")
        began = time.perf_counter()
        import_runs(runs, folder / "imported", folder / "findings.parquet", folder / "ledger.parquet", name="crb")
        gather_scores([folder / "imported"], folder / "crb.parquet")
        ours = time.perf_counter() - began

        began = time.perf_counter()
        tables = {file.parent.name: pd.read_parquet(file).reset_index() for file in runs.glob("*/scores.parquet")}
        pd.concat(table.assign(model=model) for model, table in tables.items()).to_parquet(folder / "peer.parquet")
        peer = time.perf_counter() - began

        crb = read(folder / "crb.parquet", "scores", ["model", "outcome"]).to_pandas()
    won = crb[crb["outcome"] == "win"].groupby("model").size().to_dict()
    expected = {model: int((table["chosen_score"] > table["rejected_score"]).sum()) for model, table in tables.items()}
    right = won == expected and len(crb) == PAIRS * len(tables)
    what = "published" if given.is_dir() else "made-up"
    note = (
        f"{len(tables)} {what} runs, {len(crb):,} rows; wins {'as' if right else 'OTHER THAN'} in every run's own file"
    )
    return Result("s", ours, peer, "pandas: read, join, write, no checks", 0, note, MOST_SECONDS, right)


def _made_up(folder: Path) -> Path:
    source, place = np.random.default_rng(0), np.arange(PAIRS)
    labels = {"aspect": list(PUBLISHED_ASPECTS), "language": list(PUBLISHED_LANGUAGES)}
    fixed = {name: [values[i % len(values)] for i in place] for name, values in labels.items()}
    for model in known_models():
        scores = {side: source.normal(size=PAIRS) for side in ("chosen_score", "rejected_score")}
        table = pd.DataFrame(
            {**scores, **fixed, "subset": "S"}, index=pd.Index([f"P{i:05d}" for i in place], name="id")
        )
        (folder / model.name).mkdir(parents=True)
        table.to_parquet(folder / model.name / "scores.parquet")
    return folder
