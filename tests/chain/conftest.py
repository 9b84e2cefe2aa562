"""Workspaces in which the whole chain runs on one machine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.canaries import secrets
from tests.chain_study import STUDY, Workspace, below_it


@dataclass(frozen=True)
class Watched:
    """A finished run, what Snakemake said, and the words of the command lines that were seen meanwhile."""

    workspace: Workspace
    said: str
    words: set[str]


@pytest.fixture(scope="session")
def bare_workspace():
    """Make a workspace in a given folder, with a study and the profile it is run with."""

    def make(folder: Path, study: dict, profile: str) -> Workspace:
        return Workspace.make(folder, study, f"profiles/{profile}")

    return make


@pytest.fixture(scope="session")
def new_workspace(bare_workspace, tiny_language_model):
    """Make a workspace in a given folder, with changes to the small study."""

    def make(folder: Path, **changes) -> Workspace:
        study = {**STUDY, "language_models": {"tiny": {"path": str(tiny_language_model)}}, **changes}
        return bare_workspace(folder, study, "local")

    return make


@pytest.fixture(scope="session")
def watched(new_workspace, tmp_path_factory) -> Watched:
    """A workspace in which the whole chain has run once, for a user whose secrets are canaries."""
    workspace = new_workspace(tmp_path_factory.mktemp("finished") / "themis")
    workspace = replace(workspace, variables=secrets(tmp_path_factory.mktemp("account")))
    words: set[str] = set()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(workspace.run, "results/crb.parquet", "results/report.html")
        while not wait([run], timeout=0.2).done:
            for process in below_it(os.getpid()):
                with suppress(psutil.Error):
                    words.update(process.cmdline())
        said = run.result().stdout
    return Watched(workspace, said, words)


@pytest.fixture(scope="session")
def finished(watched) -> Workspace:
    """The workspace of `watched`."""
    return watched.workspace
