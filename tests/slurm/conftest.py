"""A SLURM cluster of two nodes on this machine, for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.slurm.cluster import Cluster, missing, running, until
from tests.train.conftest import make_base, make_options, make_preferences  # noqa: F401


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, once both nodes are idle. No process of it or of its jobs is left when the tests are over.

    What these tests start mostly waits for each other, and goes before what other processes of a test run do meanwhile.
    """
    if why := missing():
        pytest.skip(why)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, min(usual, -10))
    with running(tmp_path_factory.mktemp("slurm")) as started:
        yield started
    os.setpriority(os.PRIO_PROCESS, 0, usual)
    until(lambda: not started.processes(), f"left behind: {started.processes()}", 60)
