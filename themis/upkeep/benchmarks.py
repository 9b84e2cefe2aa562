"""What each step took, from Snakemake's benchmark files."""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import dataclass
from pathlib import Path

_GRES = re.compile(r"\bgpu(?::[A-Za-z]\w*)?(?::(\d+))?(?![\w:])")  # gpu, gpu:8, gpu:a100:8


@dataclass(frozen=True)
class Taken:
    """Wall and CPU seconds of a finished step, the most memory it held in MiB (None, both: it ended before they were
    measured), and its GPUs (None: the file does not say)."""

    wall: float
    cpu: float | None
    memory: float | None
    gpus: float | None


def taken(log: Path) -> Taken | None:
    """What a step took, by its log's benchmark file; None where there is no such file, or it says nothing."""
    try:
        with log.with_suffix(".tsv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except OSError:
        return None
    if not rows or _number(rows[-1].get("s")) is None:
        return None
    row = rows[-1]
    return Taken(_number(row["s"]) or 0.0, _number(row.get("cpu_time")), _number(row.get("max_rss")), _gpus(row))


def _gpus(row: dict[str, str]) -> float | None:
    """GPUs of the job, by the column that `benchmark-extended` adds: `gpu` in all, or SLURM's `gres` of each node."""
    try:
        resources = ast.literal_eval(row["resources"])
        if "gpu" in resources or "gres" not in resources:
            return float(resources.get("gpu", 0))
        each = [found[1] or 1 for found in _GRES.finditer(resources["gres"])]
        return float(sum(map(int, each)) * resources.get("nodes", 1))
    except (KeyError, ValueError, SyntaxError, AttributeError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
