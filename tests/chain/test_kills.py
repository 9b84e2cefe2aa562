"""A chain that is killed, wherever it is, goes on to the bytes of one that never was."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.chain_study import below_it, digests

pytestmark = pytest.mark.chain

# Logs that appear when a stage starts; at each of them the run is killed once.
_KILLED_AT = (
    "retrieve.1-of-2",
    "review.tiny.1-of-2",
    "instruct.tiny.1-of-2",
    "train.themis-test.preference",
    "score.crb_test.themis-test.1-of-1",
)
# Every table; what is drawn of them is not compared, and takes a minute.
_TARGETS = (
    *("results/crb.parquet", "results/attrition.parquet", "results/measures/accuracy.parquet"),
    # Which only notebooks read.
    *("results/aspects/term_quality.parquet", "results/rerank.parquet", "results/robustness.parquet"),
)
_KILLS = int(os.environ.get("THEMIS_KILLS", 0))


def test_killed_at_five_stages_it_goes_on_to_the_same_bytes(finished, new_workspace, tmp_path):
    workspace = new_workspace(tmp_path / "killed" / "themis")
    for stage in _KILLED_AT:
        log = workspace.folder / f"results/logs/{stage}.log"
        with workspace.going(*_TARGETS) as run:
            deadline = time.monotonic() + 600
            while not log.exists():
                assert run.poll() is None, f"ended before {stage} began"
                assert time.monotonic() < deadline, f"{stage} did not begin"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(timeout=0.05)
        assert not (workspace.folder / "results/crb.parquet").exists()
    workspace.run(*_TARGETS)
    assert _tables(workspace.folder) == _tables(finished.folder)


@pytest.mark.skipif(not _KILLS, reason="takes a quarter of an hour; THEMIS_KILLS=30 runs it")
def test_killed_at_random_times_it_goes_on_to_the_same_bytes(finished, new_workspace, tmp_path):
    workspace = new_workspace(tmp_path / "killed" / "themis")
    draw = random.Random(_KILLS)
    for kill in range(_KILLS):
        with workspace.going(*_TARGETS) as run:
            # Jobs begin once Snakemake has drawn its graph; from then on any moment will do.
            _wait_for_a_job(run)
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(timeout=draw.uniform(0, 6))
            assert run.poll() is None, f"it ended before kill {kill + 1} of {_KILLS}"
        logs = len(list((workspace.folder / "results/logs").glob("*.log")))
        print(f"kill {kill + 1}: {logs} steps begun", flush=True)
    workspace.run(*_TARGETS)
    assert _tables(workspace.folder) == _tables(finished.folder)


def _tables(folder: Path) -> dict[str, str]:
    """Digest of every finished table of a run, by its place."""
    found = {name: digest for name, digest in digests(folder).items() if "parts" not in Path(name).parts}
    return {name: digest for name, digest in found.items() if ".part" not in Path(name).name}


def _wait_for_a_job(run: subprocess.Popen) -> None:
    deadline = time.monotonic() + 600
    while not any("themis" in child.name() for child in below_it(run.pid)):
        assert run.poll() is None, "ended before any job began"
        assert time.monotonic() < deadline, "no job began"
        time.sleep(0.05)
