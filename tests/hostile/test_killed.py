"""Stages 1 to 5, each killed with SIGKILL at ten random moments and started again, end with the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from themis import chance
from themis.demo.corpus import write_corpus

KILLS = 10
LICENSES = [f"--license={name}" for name in ("permissive", "weak_copyleft", "network_copyleft")]
LANGUAGES = [f"--language={name}" for name in ("C", "C#", "C++", "Go", "Java", "JavaScript", "Python", "Ruby")]
STAGES = {
    "tables": ["tables", "tables", "--root=../repositories", "--clones=clones"],
    "mine": ["mine", "tables", "mined.parquet", "--forks=forks.parquet", "--ledger=mine.parquet", *LICENSES, *LANGUAGES],
    "select": [
        *("select", "mined.parquet", "selected.parquet", "--forks=forks.parquet", "--merges=tables/merges.parquet"),
        *("--ledger=select.parquet", "--seed=7", "--train-until=2019-03-01", "--benchmark-since=2019-06-01", *LANGUAGES),
    ],
    "retrieve": [
        *("retrieve", "selected.parquet", "retrieved.parquet", "--tables=tables", "--ledger=retrieve.parquet"),
        "--attempts=attempts.parquet",
    ],
    "gather": ["gather", "gathered.parquet", "retrieved", "retrieved.parquet"],
    "deduplicate": ["deduplicate", "gathered.parquet", "deduplicated.parquet", "--ledger=deduplicate.parquet"],
}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, tuple[float, Path]]:
    """Seconds that each stage takes, and a folder as it is before it."""
    world = tmp_path_factory.mktemp("killed")
    write_corpus(world / "repositories", world / "demo.parquet", seed=3, repositories_per_language=3, commits=600)
    here = world / "here"
    here.mkdir()
    before = {}
    for stage, command in STAGES.items():
        shutil.copytree(here, world / f"before-{stage}")
        began = time.monotonic()
        assert subprocess.run(themis(command), cwd=here, capture_output=True).returncode == 0
        before[stage] = (time.monotonic() - began, world / f"before-{stage}")
    shutil.copytree(here, world / "before-end")
    before["end"] = (0.0, world / "before-end")
    return before


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_ten_moments_a_stage_ends_with_the_same_bytes(undisturbed, stage):
    seconds, before = undisturbed[stage]
    after = undisturbed[list(undisturbed)[list(STAGES).index(stage) + 1]][1]
    here = before.with_name(f"disturbed-{stage}")
    shutil.copytree(before, here)
    killed = turn = 0
    while killed < KILLS:
        turn += 1
        if killed_after(seconds * (0.2 + 0.8 * chance.uniform(turn, "kill", stage)), themis(STAGES[stage]), here):
            killed += 1
        else:
            seconds *= 0.8  # it was quicker than before
    done = subprocess.run(themis(STAGES[stage]), cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert digests(here) == digests(after)


def themis(command: list[str]) -> list[str]:
    return [sys.executable, "-c", "from themis.cli import main; main()", *command]


def killed_after(seconds: float, command: list[str], folder: Path) -> bool:
    """Whether the process and its children had to be killed, so many seconds after they began."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def digests(folder: Path) -> dict[str, str]:
    """The digest of every file that a stage says it writes: no hidden one, no part of the tables."""
    files = (path for path in sorted(folder.rglob("*.parquet")) if not path.name.startswith("."))
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named.items() if "/." not in f"/{name}"
    }
