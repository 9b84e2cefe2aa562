"""The scorer beside a padded loop: SmolLM2-135M, pairs of commits of up to 2,048 tokens, float32 and bfloat16.

The loop is the usual one: the order of the table, batches of eight, chosen and rejected apart, padded to the longest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks import training_bench
from tests.benchmarks.result import Result

PAIRS = int(os.environ.get("THEMIS_BENCH_SCORE_PAIRS", 400))
PEER_PAIRS = int(os.environ.get("THEMIS_BENCH_SCORE_PEER_PAIRS", 64))  # the first ones; all would take hours
NAIVE_PAIRS = int(os.environ.get("THEMIS_BENCH_SCORE_NAIVE_PAIRS", 16))  # of them, those scored one by one
LONGEST, THREADS, MICRO = 2048, 2, 8
BAR, _SHARING, _PADDING, _CLOSE = 2.0, 1.15, 0.03, 1e-5
_ROOT = Path(__file__).parents[2]


def measure() -> Result:
    """Seconds a pair in float32, over the pairs that both score; each turn is a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training_bench.prepare(folder, pairs=PAIRS, longest=LONGEST)
        naive = _turn("naive", folder, pairs=NAIVE_PAIRS)
        ours, peer = {}, {}
        for precision in ("float32", "bfloat16"):
            ours[precision] = _turn("ours", folder, pairs=PAIRS, first=PEER_PAIRS, dtype=precision, share=True)
            peer[precision] = _turn("padded", folder, pairs=PEER_PAIRS, dtype=precision, micro=MICRO)
        apart = _turn("ours", folder, pairs=PEER_PAIRS, first=PEER_PAIRS, dtype="float32", share=False)
    once = ours["float32"]
    sharing = apart["first"] / once["first"]
    shared_apart = _distance(once["scores"], apart["scores"])
    naive_apart = _distance(once["scores"], naive["scores"])
    times = {precision: peer[precision]["seconds"] / ours[precision]["first"] for precision in ours}
    padding = max(turn["padding"] for turn in (*ours.values(), apart))
    note = (
        f"{PEER_PAIRS} pairs beside the loop: "
        + ", ".join(
            f"{precision} {PEER_PAIRS / ours[precision]['first']:.2f} and {PEER_PAIRS / peer[precision]['seconds']:.2f}"
            f" pairs/s ({times[precision]:.1f} times)"
            for precision in ours
        )
        + f"; all {PAIRS}: "
        + ", ".join(f"{precision} {PAIRS / _all(ours[precision]):.2f} pairs/s" for precision in ours)
        + f"; padding {padding:.1%} (bar {_PADDING:.0%}; the loop {peer['float32']['padding']:.0%}); what a pair's"
        f" conversations begin with computed once: {sharing:.2f} times (bar {_SHARING}), scores apart by"
        f" {shared_apart:.1e} (bar {_CLOSE:.0e}); from one conversation at a time ({NAIVE_PAIRS} pairs) by"
        f" {naive_apart:.1e} (bar {_CLOSE:.0e}); bfloat16 from float32 by"
        f" {_distance(once['scores'], ours['bfloat16']['scores']):.1e}"
    )
    right = padding <= _PADDING and sharing >= _SHARING and max(shared_apart, naive_apart) <= _CLOSE
    right = right and times["bfloat16"] >= BAR
    return Result(
        "s a pair",
        once["first"] / PEER_PAIRS,
        peer["float32"]["seconds"] / PEER_PAIRS,
        "a padded loop",
        BAR,
        note,
        true=right,
    )


def _all(turn: dict[str, Any]) -> float:
    """Seconds that all pairs took."""
    return turn["first"] + turn["rest"]


def _turn(whose: str, folder: Path, **settings: Any) -> dict[str, Any]:
    asked = {"folder": str(folder), "threads": THREADS, **settings}
    command = [sys.executable, "-m", "tests.benchmarks.score_turns", whose, json.dumps(asked)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _distance(scores: dict[str, list[float]], others: dict[str, list[float]]) -> float:
    """The largest difference between scores of the pairs that both hold."""
    both = scores.keys() & others.keys()
    return max(abs(one - other) for row in both for one, other in zip(scores[row], others[row], strict=True))
