"""One of the processes `launch` starts: `python -m themis.train.worker FOLDER` under torchrun."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from pathlib import Path

from themis.train import launch
from themis.train.options import Options


def main(folder: Path) -> None:
    """Train as the folder's options say; a Problem is left there for the launcher to tell.

    One that all processes share the first one leaves; of one that this process has alone torchrun hears, and ends the
    others.
    """
    threading.Thread(target=_end_with_launcher, args=(folder / launch.ALIVE,), daemon=True).start()
    from themis.errors import Problem
    from themis.train.parallel import Agreed
    from themis.train.train import train

    options = Options.from_json((folder / launch.OPTIONS).read_text(encoding="utf-8"))
    leads = os.environ["RANK"] == "0"
    try:
        if not train(options, stop_file=folder / launch.STOP) and leads:
            (folder / launch.STOPPED).touch()
    except Agreed as problem:
        if leads:
            (folder / launch.PROBLEM).write_text(str(problem), encoding="utf-8")
    except Problem as problem:
        (folder / launch.PROBLEM).write_text(str(problem), encoding="utf-8")
        sys.exit(1)


def _end_with_launcher(lock: Path) -> None:
    """Wait for the launcher's lock, which is free only when the launcher is gone; then end, whatever is going on."""
    try:
        with lock.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
    except FileNotFoundError:
        pass
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
