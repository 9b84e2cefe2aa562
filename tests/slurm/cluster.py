"""A SLURM cluster of two nodes on this machine, without accounting; its services can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol", "sinfo", "scancel")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
# Both names mean this machine, so that each is the address of its node too.
NODES = (socket.gethostname().partition(".")[0], "localhost")
_MARK = "THEMIS_TEST_CLUSTER"
# The nodes say they have the memory and GPUs that the profile asks for; nothing is kept apart for a job but cores.
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
SlurmdParameters=config_overrides
GresTypes=gpu
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
ReturnToService=2
KillWait=5
MinJobAge=86400
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=8 RealMemory=500000 Gres=gpu:8
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=8 RealMemory=500000 Gres=gpu:8
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def missing() -> str | None:
    """Why no cluster can be started here, if so."""
    if absent := [name for name in PROGRAMS if not shutil.which(name, path=PATH)]:
        return f"no {absent[0]} here; on Debian: apt-get install slurm-wlm munge"
    return "only root may start the services of a SLURM cluster" if os.geteuid() else None


@dataclass
class Cluster:
    """A running cluster, whose files are in a folder."""

    folder: Path
    services: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which SLURM's commands mean this cluster; every process of it and its jobs has it."""
        path = os.pathsep.join([str(self.folder / "programs"), PATH])
        return {**os.environ, "PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf"), _MARK: str(self.folder)}

    def say(self, *command: str) -> str:
        """What a command of SLURM prints; raises CalledProcessError where it fails."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout

    def start(self, name: str, *command: str) -> None:
        """Start a service; what it says is in a file of its name."""
        with (self.folder / f"{name}.said").open("ab") as said:
            self.services[name] = subprocess.Popen(command, env=self.environment, stdout=said, stderr=said)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a service a signal that ends it, and wait until it has."""
        service = self.services.pop(name)
        service.send_signal(how)
        try:
            service.wait(timeout=20)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()

    def start_controller(self) -> None:
        """Start the controller, which goes on from the state it has saved."""
        self.start("slurmctld", "slurmctld", "-D")

    def processes(self) -> list[psutil.Process]:
        """Every process that the cluster, or a job of it, has started."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(_MARK) == str(self.folder):
                    found.append(process)
        return found


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster whose two nodes are idle; at the end its jobs are cancelled and its services stopped."""
    cluster = Cluster(folder)
    with ExitStack() as stack:
        stack.callback(_stop, cluster)
        _start_munge(cluster)
        _write_configuration(folder)
        cluster.start_controller()
        for node in NODES:
            cluster.start(node, "slurmd", "-D", "-N", node)
        until(lambda: cluster.say("sinfo", "--noheader", "--format", "%T").split() == ["idle"], "no idle nodes", 120)
        yield cluster


@contextmanager
def going_first() -> Iterator[None]:
    """What is started meanwhile goes before what other processes of a test run do: jobs mostly wait for each other."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    # Even root may lack the right to it, in a container.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, min(usual, -10))
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


def until(holds: Callable[[], object], otherwise: str, seconds: float = 900) -> object:
    """Wait for something to become true, and return it; fails with `otherwise` when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(subprocess.CalledProcessError):
            if found := holds():
                return found
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def _stop(cluster: Cluster) -> None:
    """End jobs, then services; the controller last, so that it hears of the jobs' ends, and munge after all."""
    with suppress(subprocess.CalledProcessError, FileNotFoundError):
        cluster.say("scancel", "--user", "root")
        until(lambda: not cluster.say("squeue", "--noheader"), "jobs do not end", 60)
    for name in [*NODES, "slurmctld", "munged"]:
        if name in cluster.services:
            cluster.stop(name)


def _start_munge(cluster: Cluster) -> None:
    """The service by which SLURM's programs know each other, with a key of its own."""
    folder = cluster.folder
    key, socket_ = folder / "munge.key", folder / "munge.socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    files = {"key-file": key, "socket": socket_, "pid-file": folder / "munge.pid", "seed-file": folder / "munge.seed"}
    options = [f"--{name}={path}" for name, path in {**files, "log-file": folder / "munge.log"}.items()]
    cluster.start("munged", "munged", "--foreground", "--force", *options)


def _write_configuration(folder: Path) -> None:
    (folder / "state").mkdir()
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [listener.getsockname()[1] for listener in listeners]
    text = _CONFIGURATION.format(folder=folder, host=NODES[0], nodes=NODES, ports=ports)
    (folder / "slurm.conf").write_text(text)
    # Snakemake's plugin takes SLURM's variables from a job, and with them where the configuration is.
    srun = folder / "programs/srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n')
    srun.chmod(0o755)
    for number in range(8):
        (folder / f"gpu{number}").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-7]\n")
