"""Run the benchmarks: `python -m tests.benchmarks [NAME ...]`. Each measures ours and a peer in turn in one run.

A benchmark is a module here named bench_NAME with `measure() -> Result`. What it finds is printed and written to
results/benchmarks/NAME.json: name, unit, ours, peer, ratio (how many times better than the peer), bar, limit, holds.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.result import Result

FOLDER = Path(__file__).parent
OUT = FOLDER.parents[1] / "results" / "benchmarks"


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, or all; 1 where one does not hold."""
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    held = True
    for name in wanted or known:
        found: Result = importlib.import_module(f"tests.benchmarks.bench_{name}").measure()
        record = {"name": name, **asdict(found), "ratio": found.ratio, "holds": found.holds}
        (OUT / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(
            f"{name}: {found.ours:.4g} {found.unit}, peer {found.peer:.4g} ({found.peer_is}); {found.ratio:.1f} times better, "
            f"bar {found.bar:g}{f' and at most {found.limit:.4g} {found.unit}' if found.limit else ''}: {'holds' if found.holds else 'MISSED'}{'; ' + found.note if found.note else ''}"
        )
        held &= found.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
