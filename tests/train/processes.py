"""Groups of processes that train a stage together, forked from one that has imported everything, so that they start fast."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

from torch.optim.optimizer import register_optimizer_step_pre_hook

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["themis.train.train", "transformers.models.llama.modeling_llama", __name__])

STOPPED = 143


def together(options, prepare: Callable[[int], None] | None = None) -> list[int]:
    """Train with `options.processes` processes; how each ended: 0, STOPPED, 1, or minus the signal that killed it.

    Each calls `prepare` with its rank before. When one fails or is killed, the others are killed as torchrun would.
    What they said is said again by this process: theirs goes where it went when the first of all was forked.
    """
    said = options.metrics.with_name("said")
    said.parent.mkdir(exist_ok=True)
    said.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    members = [
        _CONTEXT.Process(target=_member, args=(rank, port, said, options, prepare)) for rank in range(options.processes)
    ]
    for member in members:
        member.start()
    while running := [member for member in members if member.exitcode is None]:
        wait([member.sentinel for member in running])
        if any(member.exitcode not in (None, 0, STOPPED) for member in members):
            for member in members:
                member.kill()
                member.join()
    print(said.read_text(), file=sys.stderr)
    return [member.exitcode for member in members]


def before_step(number: int, act: Callable[[], None]) -> None:
    """Do `act` before the optimiser step of this number in the whole run; each process has done its gradients then."""

    def hook(optimizer, *_: object) -> None:
        state = next(iter(optimizer.state.values()), {"step": 0})
        if int(state["step"]) + 1 == number:
            act()

    register_optimizer_step_pre_hook(hook)


def die() -> None:
    """End as by the kernel's hand."""
    os.kill(os.getpid(), signal.SIGKILL)


def _member(rank: int, port: int, said: Path, options, prepare: Callable[[int], None] | None) -> None:
    os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), sys.stderr.fileno())
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(options.processes), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    if prepare is not None:
        prepare(rank)
    from themis.train.train import train

    sys.exit(0 if train(options) else STOPPED)


if __name__ == "__main__":
    from themis.train.launch import launch
    from themis.train.options import Options

    sys.exit(0 if launch(Options.from_json(Path(sys.argv[1]).read_text())) else STOPPED)
