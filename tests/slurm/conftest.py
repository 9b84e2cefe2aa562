"""A SLURM cluster of two nodes on this machine, for the session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.slurm.cluster import Cluster, going_first, missing, running, until
from tests.train.conftest import make_base, make_options, make_preferences  # noqa: F401


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, once both nodes are idle. No process of it or of its jobs is left when the tests are over."""
    if why := missing():
        pytest.skip(why)
    with ExitStack() as stack:
        with going_first():
            started = stack.enter_context(running(tmp_path_factory.mktemp("slurm")))
        yield started
    until(lambda: not started.processes(), f"left behind: {started.processes()}", 60)
