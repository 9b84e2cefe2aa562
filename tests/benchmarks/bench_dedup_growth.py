"""Deduplication of a hundred thousand and of a million commits: how time grows, and what memory the million takes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.dedup_corpus import write_made_up
from tests.benchmarks.result import Result

FEW, MANY, THREADS = 100_000, 1_000_000, 2
_EXPONENT, _GIB = 1.1, 1.5
_PROGRAM = """
import json, re, sys, time
from pathlib import Path
from themis.dedup.deduplicate import deduplicate
from themis.similarity.signatures import Method
began = time.perf_counter()
deduplicate(*map(Path, sys.argv[1:4]), method=Method(), threads=int(sys.argv[4]))
seconds = time.perf_counter() - began
# Not getrusage's figure: that of the process this one was forked from is in it.
peak = int(re.search("VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([seconds, peak / 2**20]))
"""


def measure() -> Result:
    """The exponent of time in the number of commits, beside the bar for it. Each size has a process of its own."""
    (few, _), (many, peak) = _run(FEW), _run(MANY)
    exponent = math.log(many / few) / math.log(MANY / FEW)
    note = f"{few:.1f} s and {many:.1f} s for {FEW:,} and {MANY:,} commits of 0.3 to 1.5 kB; peak {peak:.2f} GiB (bar {_GIB})"
    return Result("exponent of time", exponent, _EXPONENT, "the bar", 1, note, true=peak <= _GIB)


def _run(commits: int) -> tuple[float, float]:
    """Seconds and GiB."""
    with tempfile.TemporaryDirectory() as place:
        retrieved, out, ledger = (Path(place, name) for name in ("retrieved.parquet", "out.parquet", "ledger.parquet"))
        write_made_up(commits, retrieved)
        command = [sys.executable, "-c", _PROGRAM, retrieved, out, ledger, str(THREADS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, gib = json.loads(done.stdout)
    return seconds, gib
