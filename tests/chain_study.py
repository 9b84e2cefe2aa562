"""A study small enough for a test, and a working folder in which the workflow runs it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil
import yaml

ROOT = Path(__file__).parents[1]

STUDY = {
    "demo": {"repositories_per_language": 3, "families": 2, "training_pairs": 2, "benchmark_pairs": 2, "commits": 300},
    "aspects": {"classifier": {"epochs": 1, "width": 32}},
    "review": {"reviewers": ["tiny"], "min_rating": 1.0},
    # Greedy, it writes blank lines; nor does a random model keep to a form, or to English.
    "instruct": {"writer": "tiny", "sees": "new", "max_new_tokens": 12, "temperature": 1.0},
    "judge": {"judges": ["tiny"], "require": "not_contradicted", "margin": 0.5},
    "collections": {"code": ["commits", "mutants"]},
    "preferences": {"tokenizer": "tiny", "english": False, "max_general_pairs": 24},
    "benchmark": {"name": "crb_test", "humaneval": {"benchmark_problems": 4, "general_problems": 12}},
    "train": {
        "name": "themis-test",
        "base": "tiny",
        "processes": 2,
        "frozen_layers": 1,
        "batch_tokens": 8192,
        "checkpoint_every": 1,
        "stages": [
            {"name": "pretraining", "data": "general", "batch_pairs": 8, "learning_rate": 1e-3},
            {"name": "preference", "data": "code", "batch_pairs": 8, "learning_rate": 1e-3},
        ],
    },
    "score": {
        "max_tokens": 8192,
        "batch_tokens": 8192,
        "models": [
            {"name": "themis-test", "family": "sequence_classifier", "checkpoint": "themis-test"},
            {"name": "untrained", "family": "untrained_head", "checkpoint": "tiny"},
            {"name": "judge", "family": "judge", "checkpoint": "tiny"},
            {"name": "length", "family": "length", "prompt_mode": "none"},
            {"name": "random", "family": "random", "prompt_mode": "none"},
        ],
    },
    "rerank": {"problems": 2, "per_problem": 6, "timeout_s": 5.0},
    "robustness": {"pairs": 2, "models": ["themis-test", "length"]},
}


@dataclass(frozen=True)
class Workspace:
    """A folder a user would have: the workflow, a study, and results to come."""

    folder: Path
    profile: str = "profiles/local"
    options: tuple[str, ...] = ("--cores", "2")
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, study: Mapping, *settings, **more) -> Workspace:
        """A new workspace of this study."""
        folder.mkdir(parents=True)
        for name in ("Snakefile", "rules", "profiles", "notebooks"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "study.yaml").write_text(yaml.safe_dump(dict(study)))
        return cls(folder, *settings, **more)

    def command(self, *arguments: str) -> list[str]:
        """The Snakemake call of this workspace."""
        return [
            *(sys.executable, "-m", "snakemake", "--profile", self.profile),
            *("--configfile", "study.yaml", *self.options, *arguments),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a user whose virtual environment is active."""
        path = os.pathsep.join([str(Path(sys.executable).parent), self.variables.get("PATH", os.environ["PATH"])])
        return {**os.environ, **self.variables, "PATH": path}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end; its output is shown where it fails."""
        done = subprocess.run(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self._here
        )
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    @contextmanager
    def going(self, *arguments: str, said: IO[str] | int = subprocess.DEVNULL) -> Iterator[subprocess.Popen]:
        """Snakemake at work; at the end SIGKILL to it and everything below it, as a power cut would."""
        snakemake = subprocess.Popen(self.command(*arguments), stdout=said, stderr=said, **self._here)
        try:
            yield snakemake
        finally:
            below = below_it(snakemake.pid)
            for process in (snakemake, *below):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(below, timeout=10)
            snakemake.wait()

    @property
    def _here(self) -> dict[str, Any]:
        return {"cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL}


def below_it(pid: int) -> list[psutil.Process]:
    """The processes that a process has started, and those that these have; none where it is gone."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def digests(folder: Path) -> dict[str, str]:
    """Of every Parquet file of a run's results, by its place in them."""
    results = folder / "results"
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*.parquet"))
    }
