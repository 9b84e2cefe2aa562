"""Workspaces in which the whole chain runs on one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chain_study import STUDY, Workspace


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
def finished(new_workspace, tmp_path_factory) -> Workspace:
    """A workspace in which the whole chain has run once."""
    workspace = new_workspace(tmp_path_factory.mktemp("finished") / "themis")
    workspace.run("results/crb.parquet", "results/report.html")
    return workspace
