"""A pair's common beginning computed once beside computed twice: the same steps, in the same trainer."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks import training_bench as bench
from tests.benchmarks.result import Result

BAR = 1.15
_LOSS = 1e-4


def measure() -> Result:
    """Seconds a pair over all pairs; the losses are compared in float32 too, over a few of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench.prepare(folder)
        once, twice = (
            bench.turn("ours", folder, precision="bfloat16", share_prefix=share, lm=False) for share in (True, False)
        )
        exact = [
            bench.turn("ours", folder, precision="float32", share_prefix=share, lm=False, table="few")
            for share in (True, False)
        ]
    apart = max(abs(one - other) for one, other in zip(*(found["losses"] for found in exact), strict=True))
    common = 1 - once["tokens"] / twice["tokens"]
    note = (
        f"{common:.0%} of the tokens are common; largest difference of a step's loss in float32 {apart:.1e}"
        f" (bar {_LOSS:g}), in bfloat16 {max(abs(a - b) for a, b in zip(once['losses'], twice['losses'], strict=True)):.1e}"
    )
    return Result("s a pair", 1 / bench.rate(once), 1 / bench.rate(twice), "without", BAR, note, true=apart <= _LOSS)
