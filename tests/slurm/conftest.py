"""A SLURM cluster of two nodes on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.train.conftest import make_base, make_options, make_preferences  # noqa: F401

_PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "scontrol", "sinfo")
# Both names mean this machine, so that each is the address of its node too.
_NODES = (socket.gethostname().partition(".")[0], "localhost")
_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=1000
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=1000
PartitionName=all Nodes=ALL Default=YES State=UP
"""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which `srun` reaches the two nodes, once both are idle."""
    paths = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    if missing := [name for name in _PROGRAMS if not shutil.which(name, path=paths)]:
        pytest.skip(f"no {missing[0]} here; on Debian: apt-get install slurm-wlm munge")
    if os.geteuid():
        pytest.skip("only root may start the services of a SLURM cluster")
    folder = tmp_path_factory.mktemp("slurm")
    environment = {**os.environ, "PATH": paths, "SLURM_CONF": str(folder / "slurm.conf")}
    with ExitStack() as stack:
        _start_munge(stack, folder, environment)
        _write_configuration(folder)
        for command in (["slurmctld", "-D"], *(["slurmd", "-D", "-N", node] for node in _NODES)):
            _start(stack, command, folder, environment)
        done = subprocess.run(
            ["srun", "--nodes", "2", "--wait", "1", "true"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        yield environment


def _start_munge(stack: ExitStack, folder: Path, environment: dict[str, str]) -> None:
    """The service by which SLURM's programs know each other, with a key of its own."""
    key, socket_ = folder / "munge.key", folder / "munge.socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    files = {"key-file": key, "socket": socket_, "pid-file": folder / "munge.pid", "seed-file": folder / "munge.seed"}
    options = [f"--{name}={path}" for name, path in {**files, "log-file": folder / "munge.log"}.items()]
    _start(stack, ["munged", "--foreground", "--force", *options], folder, environment)


def _write_configuration(folder: Path) -> None:
    (folder / "state").mkdir()
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [listener.getsockname()[1] for listener in listeners]
    text = _CONFIGURATION.format(folder=folder, host=_NODES[0], nodes=_NODES, ports=ports)
    (folder / "slurm.conf").write_text(text)


def _start(stack: ExitStack, command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Start a service of the cluster, which ends with the tests."""
    with (folder / f"{command[0]}.said").open("ab") as said:
        service = subprocess.Popen(command, env=environment, stdout=said, stderr=said)

    def stop() -> None:
        service.send_signal(signal.SIGTERM)
        try:
            service.wait(timeout=20)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()

    stack.callback(stop)
