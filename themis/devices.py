"""Where the weights of a model that only computes go: the CPU, a GPU that no other process of ours has, or several."""

from __future__ import annotations

import fcntl
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import torch

from themis.errors import Problem

_SPARE = 0.8  # of a GPU's memory for weights; the rest is for what is computed

_held: list[IO[str]] = []  # locks of this process's GPUs, until it ends


def placed(model: Any) -> Any:
    """`model` in evaluation mode, without gradients, on a GPU where there is one.

    One that is too large for a GPU is spread, block by block, over as many as its weights need. GPUs that another
    process of this user has taken so are avoided as long as others are left, so that jobs side by side share a machine.
    """
    model = model.eval().requires_grad_(False)
    if not torch.cuda.is_available():
        return model
    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    room = [int(_SPARE * gpu.total_memory) for gpu in gpus]
    size = sum(part.numel() * part.element_size() for part in (*model.parameters(), *model.buffers()))
    names = [str(getattr(gpu, "uuid", index)) for index, gpu in enumerate(gpus)]
    mine = claim(names, min(len(gpus), math.ceil(size / min(room))))
    if len(mine) == 1:
        return model.to(f"cuda:{mine[0]}")
    return spread(model, {index: room[index] for index in mine})


def claim(names: Sequence[str], number: int) -> list[int]:
    """Places of `number` GPUs among `names`, those first that no other process of this user holds; held until the end."""
    folder = Path(tempfile.gettempdir()) / f"themis-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    free, busy = [], []
    for place, name in enumerate(names):
        if len(free) == number:
            break
        lock = (folder / f"{name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            busy.append(place)
            continue
        _held.append(lock)
        free.append(place)
    return sorted([*free, *busy][:number])


def spread(model: Any, room: dict[int, int]) -> Any:
    """`model` with its blocks on GPUs that have `room` bytes, filled evenly; outputs come back to the first one.

    Raises Problem where it does not fit.
    """
    from accelerate import dispatch_model

    return dispatch_model(model, device_map(model, room))


def device_map(model: Any, room: dict[int, int]) -> dict[str, int]:
    """Which GPU each part of a model goes to, a block as a whole, by the names of the parts. Raises Problem for no room."""
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(getattr(model, "_no_split_modules", None) or ())
    even = get_balanced_memory(model, max_memory=dict(room), no_split_module_classes=whole)
    places = infer_auto_device_map(model, max_memory=even, no_split_module_classes=whole)
    if left := [name for name, place in places.items() if place not in room]:
        gib = sum(room.values()) / 2**30
        raise Problem(
            f"{type(model).__name__}: the {len(room)} GPUs here have room for {gib:.3g} GiB of weights, and {left[0]} is "
            "over; give the job more GPUs, or the model another dtype"
        )
    return places
