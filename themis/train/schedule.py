"""The learning rate of a step: a linear rise to the peak, for WSD a stable part, then half a cosine to the final rate.

With R = round(warmup N) rising and S = round(stable N) stable steps of N (S = 0 for the cosine of paper table 5), step
s (from 0) has

    peak (s + 1) / R                                          s < R
    peak                                                      s < R + S
    final + (peak - final) (1 + cos(pi p)) / 2,  p = (s - s0) / (N - 1 - s0),  s0 = max(R + S - 1, 0)

The published code's WSD schedule is the same but for its rise, which starts at the final rate instead of peak / R.
"""

from __future__ import annotations

import math


def learning_rate(
    step: int, steps: int, *, warmup: float, peak: float, final: float, schedule: str = "cosine", stable: float = 0.7
) -> float:
    """The rate of optimiser step `step` (from 0) of `steps`; `warmup` and `stable` (of wsd only) are shares of `steps`.

    The last rising step has the peak rate, and the last step of all the final one unless nothing is left to fall in.
    No step has rate zero while rising.
    """
    rising = _round(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    at_peak = rising + (_round(stable * steps) if schedule == "wsd" else 0)
    start = max(at_peak - 1, 0)
    if step <= start or steps - 1 <= start:
        return peak
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * (step - start) / (steps - 1 - start)))


def _round(steps: float) -> int:
    return math.floor(steps + 0.5)
