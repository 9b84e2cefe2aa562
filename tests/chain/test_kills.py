"""A chain that is killed, wherever it is, goes on to the bytes of one that never was."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import time
from pathlib import Path

import psutil
import pytest

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
        with _running(workspace) as run:
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
        with _running(workspace) as run:
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
    """Digest of every Parquet file of a run, by its place."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "results").rglob("*.parquet"))
        if ".part" not in path.name and "parts" not in path.parts
    }


def _wait_for_a_job(run: subprocess.Popen) -> None:
    deadline = time.monotonic() + 600
    while not any("themis" in child.name() for child in _children(run.pid)):
        assert run.poll() is None, "ended before any job began"
        assert time.monotonic() < deadline, "no job began"
        time.sleep(0.05)


@contextlib.contextmanager
def _running(workspace):
    """The chain at work; at the end SIGKILL to it and everything below it, as a power cut would."""
    run = subprocess.Popen(
        workspace.command(*_TARGETS),
        cwd=workspace.folder,
        env=workspace.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield run
    finally:
        below = _children(run.pid)
        for process in (run, *below):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(below, timeout=10)
        run.wait()


def _children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []
