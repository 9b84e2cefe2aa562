"""A chain that is killed, wherever it is, goes on to the bytes of one that never was."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chain_study import Workspace, below_it, digests

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
            _wait_until(run, log.exists)
        assert not (workspace.folder / "results/crb.parquet").exists()
    workspace.run(*_TARGETS)
    assert _tables(workspace.folder) == _tables(finished.folder)


@pytest.mark.skipif(not _KILLS, reason="takes a quarter of an hour; THEMIS_KILLS=30 runs it")
def test_killed_at_random_times_it_goes_on_to_the_same_bytes(finished, new_workspace, tmp_path):
    workspace = new_workspace(tmp_path / "killed" / "themis")
    draw = random.Random(_KILLS)
    steps = _begun(finished)
    # A kill for each of so many stretches of the run, at any moment of it.
    for kill, stretch in enumerate(sorted(draw.uniform(0, 0.95) for _ in range(_KILLS))):
        with workspace.going(*_TARGETS) as run:
            # Jobs begin once Snakemake has drawn its graph.
            _wait_until(run, lambda of=run: any("themis" in child.name() for child in below_it(of.pid)))
            _wait_until(run, lambda reached=stretch: _begun(workspace) >= reached * steps)
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(timeout=draw.uniform(0, 3))
            assert run.poll() is None, f"it ended before kill {kill + 1} of {_KILLS}"
        print(f"kill {kill + 1}: {_begun(workspace)} of {steps} steps begun", flush=True)
    workspace.run(*_TARGETS)
    assert _tables(workspace.folder) == _tables(finished.folder)


def _tables(folder: Path) -> dict[str, str]:
    """Digest of every finished table of a run, by its place."""
    found = {name: digest for name, digest in digests(folder).items() if "parts" not in Path(name).parts}
    return {name: digest for name, digest in found.items() if ".part" not in Path(name).name}


def _begun(workspace: Workspace) -> int:
    """How many steps have begun in a folder, or are done, of those that lead to a table."""
    logs = {path.stem for path in (workspace.folder / "results/logs").glob("*.log")}
    return len({stem for stem in logs if not stem.startswith("notebook_")} - {"report"})


def _wait_until(run: subprocess.Popen, holds: Callable[[], bool]) -> None:
    """Wait for what a run brings about."""
    deadline = time.monotonic() + 600
    while not holds():
        assert run.poll() is None, "it ended before that"
        assert time.monotonic() < deadline, "that did not come"
        time.sleep(0.05)
