"""The learning rate of a step: a linear rise to the peak, then half a cosine down to the final rate (paper table 5)."""

from __future__ import annotations

import math


def learning_rate(step: int, steps: int, *, warmup: float, peak: float, final: float) -> float:
    """The rate of optimiser step `step` (from 0) of `steps`; `warmup` is the share of steps that rise.

    The last rising step has the peak rate and the last step of all the final rate; no step has rate zero while rising.
    """
    rising = math.floor(warmup * steps + 0.5)
    if step < rising:
        return peak * (step + 1) / rising
    start = max(rising - 1, 0)
    if steps - 1 <= start:
        return peak
    progress = (step - start) / (steps - 1 - start)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))
