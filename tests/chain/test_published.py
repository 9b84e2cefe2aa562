"""A study that imports runs and trains nothing: every table, figure and page, and a broken run that is named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.vocabulary import LANGUAGES, PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES

pytestmark = pytest.mark.chain
PAIRS = 60


@pytest.fixture(scope="module")
def published(bare_workspace, tmp_path_factory):
    """A workspace with runs of three models, one without the column of the rejected scores, and its finished results."""
    study = {"published_runs": "runs", "benchmark": {"name": "tiny"}, "analysis": {"resamples": 200}}
    workspace = bare_workspace(tmp_path_factory.mktemp("published") / "themis", study, "published")
    source = np.random.default_rng(5)
    spelt = {kit: name for name, kit in PUBLISHED_LANGUAGES.items()}
    labels = pl.DataFrame(
        {
            "id": [f"RUNBUGRUN_{i:03d}" for i in range(PAIRS)],
            "aspect": [list(PUBLISHED_ASPECTS)[i % 5] for i in range(PAIRS)],
            "language": [spelt.get(name, name) for name in (list(LANGUAGES)[i % 8] for i in range(PAIRS))],
            "subset": ["RUNBUGRUN"] * PAIRS,
        }
    )
    for model in ("Themis-RM-8B", "AceCodeRM-7B", "broken"):
        run = workspace.folder / "runs" / model
        run.mkdir(parents=True)
        scores = labels.with_columns(
            chosen_score=pl.Series(source.normal(1, 1, PAIRS)), rejected_score=pl.Series(source.normal(0, 1, PAIRS))
        )
        scores = scores.drop("rejected_score") if model == "broken" else scores
        scores.write_parquet(run / "scores.parquet")
    workspace.run("paper")
    return workspace


def test_sound_runs_appear_and_the_broken_one_is_named(published):
    results = published.folder / "results"
    crb = records.read(results / "crb.parquet", "scores").to_pylist()
    assert {row["model"] for row in crb} == {"Themis-RM-8B", "AceCodeRM-7B"}
    assert len(crb) == 2 * PAIRS
    (finding,) = records.read(results / "scores/findings.parquet", "findings").to_pylist()
    assert (finding["run"], finding["severity"], finding["check"]) == ("broken", "refused", "missing column")
    assert "rejected_score" in finding["detail"]
    assert "broken" in (results / "tables/findings.md").read_text()


def test_everything_is_drawn_and_nothing_is_left_to_do(published):
    results = published.folder / "results"
    for number in (1, 2, 3, 4, 5, 7, 8, 9, 10):
        assert (results / f"tables/table_{number}.md").stat().st_size
    page = (results / "report.html").read_text()
    assert "Themis-RM-8B" in page and "snakemake --profile profiles/published paper" in page
    assert "Nothing to be done" in published.run("-n", "paper").stdout
