"""Resumable checkpoints: trained weights, AdamW moments, step and metrics; safetensors and JSON, nothing pickled.

A checkpoint is a folder step-N that appears under its name only when complete, and its digest is checked before use.
Weights that are not trained are the base's. What comes next follows from the step alone: order, rates and micro-batches
are functions of it. Checkpoints of other settings in the same folder are neither used nor counted.

Tensors are written whole, gathered one at a time, so any number of processes, nodes and replicas may go on from them, each
reading its own part. Torch's distributed checkpoint can do this too, but its index is a pickle and it has no digest.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from themis.records import file_digest
from themis.train import parallel
from themis.train.model import RewardModel
from themis.train.parallel import Group
from themis.train.tensors import write_float32

_STATE, _ABOUT = "state.safetensors", "state.json"
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on disk: where, how many steps were done, and their metrics."""

    folder: Path
    step: int
    metrics: list[dict[str, float]]


def save(
    folder: Path,
    group: Group,
    model: RewardModel,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    fingerprint: str,
    metrics: list[dict[str, float]],
    keep: int,
) -> None:
    """Save the state after `step` optimiser steps under folder/step-N; every process calls this.

    Of the checkpoints with this fingerprint the last `keep` stay.
    """
    trained = model.trained
    shapes = {
        key: parameter.shape
        for name, parameter in trained.items()
        for key in (name, *(f"{name}.{m}" for m in _MOMENTS))
    }
    if not group.leads:
        for _ in _state(trained, optimizer):
            pass
        return
    part = folder / f".step-{step}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    digest = write_float32(part / _STATE, shapes, _state(trained, optimizer))
    about = {"step": step, "fingerprint": fingerprint, "digest": digest, "metrics": metrics}
    (part / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    done = folder / f"step-{step}"
    shutil.rmtree(done, ignore_errors=True)
    part.rename(done)
    ours = [path for path, about in _newest_first(folder) if about["fingerprint"] == fingerprint]
    for path in ours[keep:]:
        shutil.rmtree(path)


def newest(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The last complete checkpoint of the run with this fingerprint; a damaged one is passed over."""
    for path, about in _newest_first(folder):
        if about["fingerprint"] != fingerprint or not (path / _STATE).is_file():
            continue
        if file_digest(path / _STATE) == about["digest"]:
            return Checkpoint(path, about["step"], about["metrics"])
    return None


def kept(folder: Path, fingerprint: str) -> list[Checkpoint]:
    """The checkpoints of the run with this fingerprint, the last first; whether they are damaged is not known."""
    described = [(path, about) for path, about in _newest_first(folder) if about["fingerprint"] == fingerprint]
    return [Checkpoint(path, about["step"], about["metrics"]) for path, about in described]


def restore(checkpoint: Checkpoint, model: RewardModel, optimizer: torch.optim.Optimizer) -> None:
    """Put weights and moments back; each process reads its shards, whatever number of processes saved them."""
    with safe_open(checkpoint.folder / _STATE, framework="pt") as stream, torch.no_grad():
        for name, parameter in model.trained.items():
            part = parallel.part(parameter)
            parameter.copy_(parallel.place(stream.get_slice(name)[part], parameter))
            steps = torch.tensor(float(checkpoint.step), dtype=torch.float32, device=parameter.device)
            moments = {m: parallel.place(stream.get_slice(f"{name}.{m}")[part], parameter) for m in _MOMENTS}
            optimizer.state[parameter] = {"step": steps, **moments}


def clear(folder: Path) -> None:
    """Remove every checkpoint, whole or not."""
    for path in [*folder.glob("step-*"), *folder.glob(".step-*.part")]:
        shutil.rmtree(path)


def _state(trained: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    for parameter in trained.values():
        yield parallel.whole(parameter)
        for moment in _MOMENTS:
            yield parallel.whole(optimizer.state[parameter][moment])


def _newest_first(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Checkpoint folders whose description can be read, the latest step first."""
    found = []
    for path in folder.glob("step-*"):
        if not re.fullmatch(r"step-\d+", path.name):
            continue
        try:
            about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(about, dict) and {"step", "fingerprint", "digest", "metrics"} <= set(about):
            found.append((path, about))
    return sorted(found, key=lambda one: -one[1]["step"])
