"""Clones to tables, beside one git process a commit; THEMIS_BENCH_REPOSITORIES names a folder of clones to read."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.benchmarks.result import Result
from themis.demo.corpus import write_corpus
from themis.mine.tables import read_tables
from themis.records import read
from themis.repositories.find import git_directory, repositories_below

COMMITS, SAMPLE, FASTEST = 20_000, 200, 3000


def measure() -> Result:
    """Seconds a commit. What the tables count is compared with `git log` of every repository, commit by commit."""
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ.get("THEMIS_BENCH_REPOSITORIES")
        return _measure(Path(given) if given else _demo(Path(folder)), Path(folder))


def _measure(root: Path, folder: Path) -> Result:
    repositories = repositories_below(root)
    first = _seconds(repositories, folder)
    found = set(read(folder / "tables/commits.parquet", "commits", ["commit"])["commit"].to_pylist())
    again = _seconds(repositories, folder)
    logs = [_git(path, "log", "--branches", "--remotes", "HEAD", "--format=%H").split() for path in repositories]
    known = set().union(*logs)
    sample = [(path, one) for path, log in zip(repositories, logs, strict=True) for one in log[:: len(known) // SAMPLE]]
    began = time.perf_counter()
    for path, one in sample:
        _git(path, "show", "--raw", "--no-abbrev", "--no-renames", "--format=raw", one)
    peer = (time.perf_counter() - began) / len(sample)
    note = (
        f"{len(known):,} commits of {len(repositories)} repositories, {len(known) / first:,.0f} a second; "
        f"{'the same as' if known == found else 'OTHER THAN'} git log's; read again at the same refs in {again:.2f} s"
    )
    return Result("s a commit", first / len(known), peer, "one git show a commit", 1, note, 1 / FASTEST, known == found)


def _seconds(repositories: list[Path], folder: Path) -> float:
    began = time.perf_counter()
    read_tables([str(path) for path in repositories], folder / "tables", folder / "clones", threads=2)
    return time.perf_counter() - began


def _demo(folder: Path) -> Path:
    write_corpus(folder / "demo", folder / "demo.parquet", seed=0, commits=COMMITS)
    return folder / "demo"


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", f"--git-dir={git_directory(repository)}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace").stdout
