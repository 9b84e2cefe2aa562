"""Start a stage in several processes of this machine, under torchrun, and end with them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from themis.errors import Problem
from themis.train.options import Options

# Files by which the launcher and its workers speak, in a folder of their own. Signals are not used: torchrun would
# pass them on and kill the workers half a minute later, in the middle of a long step.
OPTIONS, ALIVE, STOP, STOPPED, PROBLEM = "options.json", "alive", "stop", "stopped", "problem"


def launch(options: Options) -> bool:
    """Train with `options.processes` processes; false where it was asked to stop and has saved itself.

    SIGTERM and SIGUSR1 ask for a stop. Should this process die, the workers end at once. Raises Problem as `train` does.
    """
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
