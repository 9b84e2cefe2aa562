"""A training that has gone wrong: found by every process from the same numbers, said in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from themis.train.parallel import Agreed

DIVERGED_TIMES, DIVERGED_STEPS = 3.0, 20


def check_head(base: Path, head: torch.Tensor) -> None:
    """Raise Agreed where the reward head that an export was to bring is zero everywhere, or not finite.

    `head` is the whole weight as it lies in the model, the same in every process.
    """
    if not torch.isfinite(head).all():
        raise Agreed(f"{base}: its reward head is not finite; export the earlier stage again")
    if not head.any():
        raise Agreed(f"{base}: its reward head was not loaded (all zero); export the earlier stage again")


def check_finite(label: str, values: Mapping[str, float]) -> None:
    """Raise Agreed where one of the values is NaN or infinite; `label` says where, such as `step 3 of preference`."""
    for name, value in values.items():
        if not math.isfinite(value):
            what = f"{label}: the {name.replace('_', ' ')} is {value}"
            raise Agreed(f"{what}; lower the learning rate (at the first step: check the weights it starts from)")


def check_converging(stage: str, metrics: Sequence[Mapping[str, float]]) -> None:
    """Raise Agreed where the loss has been above three times its start for twenty steps in a row, up to the last one.

    `metrics` are the rows of all steps so far. The start is the first step's, but at least log 2, the loss of a head that
    knows nothing: a model that begins with almost no loss is not diverging when it meets harder pairs.
    """
    if len(metrics) <= DIVERGED_STEPS:
        return
    start = max(metrics[0]["loss"], math.log(2))
    losses = [row["loss"] for row in metrics[-DIVERGED_STEPS:]]
    if min(losses) > DIVERGED_TIMES * start:
        raise Agreed(
            f"step {len(metrics)} of {stage}: diverged, the loss was above {DIVERGED_TIMES * start:.3g} ({DIVERGED_TIMES:g} "
            f"times its start) for {DIVERGED_STEPS} steps and is {losses[-1]:.3g}; lower the learning rate or clip more"
        )
