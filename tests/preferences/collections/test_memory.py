"""A source is streamed: what is held does not grow with it."""

import json
import subprocess
import sys

PROGRAM = """
import re, sys
from pathlib import Path
from themis.preferences.collections import writing
from themis.preferences.collections.public import Place, collect_public, line_of
from themis.records import Ledger, read, sorting, tables

# What is held at a time, small enough for a small source to be many times as large.
writing._PART_BYTES = tables.GROUP_BYTES = sorting._RANGE_BYTES = 1 << 21
source, out = map(Path, sys.argv[1:])
collect_public(line_of("truthy_dpo"), Place(source), out, seed=1, ledger=Ledger("collect"))
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_memory_does_not_grow_with_the_source(tmp_path):
    """From 20 MB to 160 MB the peak grows by less than a quarter of what came on top."""
    peaks = []
    for rows in (200, 1600):
        with (tmp_path / "source.jsonl").open("w") as stream:
            for at in range(rows):
                row = {"prompt": f"q{at}", "system": "", "chosen": f"{at}" + 50_000 * "x", "rejected": 50_000 * "y"}
                stream.write(json.dumps(row) + "\n")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, tmp_path / "source.jsonl", tmp_path / "out.parquet"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 35, peaks
