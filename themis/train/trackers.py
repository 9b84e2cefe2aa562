"""Trackers on request: TensorBoard files and Weights & Biases runs, neither imported unless it is asked for."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from themis.errors import Problem


class Tracker(Protocol):
    """Where the numbers of a step go."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add the numbers of one step (from 1)."""

    def close(self) -> None:
        """Let nothing be lost."""


def open_trackers(
    names: Sequence[str], folder: Path, *, run: str, identity: str, settings: Mapping[str, Any], done: int
) -> list[Tracker]:
    """The trackers named, for a run that has `done` steps behind it; files go below `folder`.

    `identity` is the same when the same run goes on. Raises Problem where a package is missing or a tracker refuses.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise Problem(f"--tracker {name}: the package is not installed; pip install {name}")
    known = {"tensorboard": _TensorBoard, "wandb": _WandB}
    return [known[name](folder, run, identity, settings, done) for name in dict.fromkeys(names)]


class _TensorBoard:
    """Event files in FOLDER/tensorboard; steps after `done` that an earlier process wrote are taken back."""

    def __init__(self, folder: Path, run: str, identity: str, settings: Mapping[str, Any], done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _WandB:
    """A run of the project `themis`, in FOLDER/wandb; WANDB_MODE, WANDB_PROJECT and the key are wandb's own affair.

    Only numbers and the settings go there: no code, no console output, nothing of the machine's git repositories.
    """

    def __init__(self, folder: Path, run: str, identity: str, settings: Mapping[str, Any], done: int) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        quiet = wandb.Settings(console="off", save_code=False, disable_git=True, silent=True)
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "themis"),
                name=run,
                id=identity,
                resume="allow",
                dir=str(folder),
                config=dict(settings),
                settings=quiet,
            )
        except wandb.Error as error:
            said = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise Problem(f"--tracker wandb: {said.rstrip('.')}; or set WANDB_MODE=offline") from None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()
