"""Start a stage in the processes it asks for: as one of srun's or torchrun's, or under a torchrun of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from themis.errors import Problem
from themis.train import slurm
from themis.train.options import Options

# Files by which the launcher and its workers speak, in a folder of their own. Signals are not used: torchrun would
# pass them on and kill the workers half a minute later, in the middle of a long step.
OPTIONS, ALIVE, STOP, STOPPED, PROBLEM = "options.json", "alive", "stop", "stopped", "problem"


def launch(options: Options) -> bool:
    """Train with the processes the options ask for; false where it was asked to stop and has saved itself.

    One of several that srun or torchrun started joins the others. SIGTERM and SIGUSR1 ask for a stop; one process that
    hears them is enough. Raises Problem as `train` does, and where several machines are asked for but none was started.
    """
    if "RANK" not in os.environ:
        os.environ.update(slurm.place(os.environ))
    if "RANK" in os.environ or options.nodes * options.processes == 1:
        from themis.train.train import train

        return train(options)
    if options.nodes > 1:
        raise Problem(
            f"--nodes: {options.nodes} machines are not reached from here; start this command on each of them by"
            f" `srun --nodes {options.nodes} --ntasks-per-node {options.processes}` or by torchrun"
        )
    return _under_torchrun(options)


def _under_torchrun(options: Options) -> bool:
    """Train in workers of this machine, which end at once should this process die."""
    with tempfile.TemporaryDirectory(prefix="themis-train-") as name:
        folder = Path(name)
        (folder / OPTIONS).write_text(options.to_json(), encoding="utf-8")
        with (folder / ALIVE).open("w") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            status = _run(folder, options)
        if (folder / PROBLEM).exists():
            raise Problem((folder / PROBLEM).read_text(encoding="utf-8"))
        if status:
            raise Problem(f"{options.stage}: a training process failed with status {status}; its messages are above")
        return not (folder / STOPPED).exists()


def _run(folder: Path, options: Options) -> int:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nnodes=1",
        f"--nproc-per-node={options.processes}", "-m", "themis.train.worker", str(folder),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    handlers = {
        number: signal.signal(number, lambda *_: (folder / STOP).touch()) for number in (signal.SIGTERM, signal.SIGUSR1)
    }
    try:
        # A session of its own: the terminal's Ctrl-C comes here only, and the workers end with this process.
        return subprocess.Popen(command, env=environment, start_new_session=True).wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
