"""The trainer beside TRL's RewardTrainer: SmolLM2-135M, pairs of up to 1,024 tokens, the same optimiser steps."""

from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks import training_bench as bench
from tests.benchmarks.result import Result
from themis.errors import Problem

BAR = 4.0
PEER_PAIRS = int(os.environ.get("THEMIS_BENCH_PEER_PAIRS", 64))  # the first ones; all would take TRL an hour
_MICRO = 8  # pairs TRL computes at once: its default
_LOSS, _PADDING, _MFU = 1e-2, 0.05, 0.5


def measure() -> Result:
    """Seconds a pair of both, over the pairs both train on."""
    if not importlib.util.find_spec("trl"):
        raise Problem("no TRL here; make bench installs it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench.prepare(folder)
        ours = bench.turn("ours", folder, precision="bfloat16", share_prefix=True, lm=False)
        peer = bench.turn("trl", folder, pairs=PEER_PAIRS, micro=_MICRO)
        again = bench.turn("ours", folder, precision="bfloat16", share_prefix=True, lm=True, table="few")
    steps = len(peer["steps"])
    mfu = statistics.median(ours["mfu"])
    apart = abs(ours["losses"][0] - peer["losses"][0])
    lighter = ours["peak_mib"] < peer["peak_mib"]
    note = (
        f"{steps * bench.BATCH} pairs beside TRL, all {bench.PAIRS} at {bench.rate(ours):.2f} pairs/s and"
        f" {ours['tokens'] / sum(ours['steps']):.0f} tokens/s (TRL {peer['tokens'] / sum(peer['steps']):.0f} without padding);"
        f" with the language-model loss {bench.rate(again):.2f} pairs/s; peak {ours['peak_mib']:,.0f} MiB, TRL"
        f" {peer['peak_mib']:,.0f}; loss of the first step {ours['losses'][0]:.4f} and {peer['losses'][0]:.4f}; padding"
        f" {ours['padding']:.1%} (bar {_PADDING:.0%}); MFU {mfu:.2f}, with the language-model loss"
        f" {statistics.median(again['mfu']):.2f} (bar {_MFU})"
    )
    right = apart <= _LOSS and lighter and ours["padding"] <= _PADDING and mfu >= _MFU
    return Result(
        "s a pair", 1 / bench.rate(ours, steps), 1 / bench.rate(peer), "trl.RewardTrainer", BAR, note, true=right
    )
