"""The weights of the best evaluation so far, on disk beside the checkpoints until the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import safe_open

from themis.errors import Problem
from themis.records import file_digest
from themis.train import parallel
from themis.train.model import RewardModel
from themis.train.parallel import Group
from themis.train.tensors import write_float32


def best_step(metrics: Sequence[Mapping[str, float]]) -> int | None:
    """The step with the highest held-out accuracy; of equals that of the lower held-out loss, then the earlier one."""
    evaluated = [row for row in metrics if "held_out_accuracy" in row]
    if not evaluated:
        return None
    return int(min(evaluated, key=lambda row: (-row["held_out_accuracy"], row["held_out_loss"], row["step"]))["step"])


def save(folder: Path, group: Group, model: RewardModel, *, step: int, fingerprint: str) -> None:
    """Write the trained weights as they are now; the file appears whole or not at all. Every process calls this."""
    trained = model.trained
    gathered = (parallel.whole(parameter) for parameter in trained.values())
    if not group.leads:
        for _ in gathered:
            pass
        return
    part = folder / f".best-{step}.part"
    digest = write_float32(part, {name: parameter.shape for name, parameter in trained.items()}, gathered)
    done = folder / f"{_stem(step, fingerprint)}.{digest}.safetensors"
    part.rename(done)
    for other in set(_files(folder, step, fingerprint)) - {done}:  # of a run cut otherwise
        other.unlink()


def require(folder: Path, *, step: int, fingerprint: str) -> Path:
    """The file of a step's weights. Raises Problem where it is missing or damaged."""
    for path in _files(folder, step, fingerprint):
        if file_digest(path) == path.name.split(".")[-2]:
            return path
    raise Problem(f"{folder}: the best weights so far, of step {step}, are missing or damaged; empty it and train anew")


def restore(path: Path, model: RewardModel) -> None:
    """Put the weights of a file back; each process reads its shards."""
    with safe_open(path, framework="pt") as stream, torch.no_grad():
        for name, parameter in model.trained.items():
            parameter.copy_(parallel.place(stream.get_slice(name)[parallel.part(parameter)], parameter))


def prune(folder: Path, fingerprint: str, needed: Iterable[int | None]) -> None:
    """Remove this run's files but those of the steps needed, and what was left half written."""
    stems = {_stem(step, fingerprint) for step in needed if step is not None}
    for path in folder.glob(f"best-*.{fingerprint[:16]}.*.safetensors"):
        if path.name.rsplit(".", 2)[0] not in stems:
            path.unlink()
    for path in folder.glob(".best-*.part"):
        path.unlink()


def clear(folder: Path) -> None:
    """Remove every file, whole or not."""
    for path in [*folder.glob("best-*.safetensors"), *folder.glob(".best-*.part")]:
        path.unlink()


def _files(folder: Path, step: int, fingerprint: str) -> list[Path]:
    return list(folder.glob(f"{_stem(step, fingerprint)}.*.safetensors"))


def _stem(step: int, fingerprint: str) -> str:
    return f"best-{step}.{fingerprint[:16]}"
