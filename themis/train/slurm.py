"""Which process of the group this one is, where SLURM's srun started it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PORTS = range(20_000, 30_000)  # below those that systems give to outgoing connections


def place(environment: Mapping[str, str]) -> dict[str, str]:
    """What torch reads of the environment (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), from srun's.

    Empty where srun did not start this process, or started it alone. All processes of a step find the same address and
    port: the step's first node, and a port from the numbers of job and step. An address or port that is set already
    is kept. Only the step's own variables are read: a batch script has SLURM_PROCID and SLURM_NTASKS too, but is one process.
    """
    if int(environment.get("SLURM_STEP_NUM_TASKS", 1)) == 1:
        return {}
    job, step = int(environment["SLURM_JOB_ID"]), int(environment["SLURM_STEP_ID"])
    return {
        "RANK": environment["SLURM_PROCID"],
        "WORLD_SIZE": environment["SLURM_STEP_NUM_TASKS"],
        "LOCAL_RANK": environment["SLURM_LOCALID"],
        "MASTER_ADDR": environment.get("MASTER_ADDR") or first_host(environment["SLURM_STEP_NODELIST"]),
        "MASTER_PORT": environment.get("MASTER_PORT") or str(_PORTS[(101 * job + step) % len(_PORTS)]),
    }


def first_host(nodes: str) -> str:
    """The first name of a SLURM host list: `gpu[07-09,12],login` names gpu07 first."""
    names = re.match(r"(?:\[[^\]]*\]|[^,\[])*", nodes).group()
    return re.sub(r"\[([^\],-]*)[^\]]*\]", r"\1", names)
