"""A working folder as Snakemake leaves it: results, logs with their benchmark files, and Snakemake's own log."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Finished: deduplicate, two shards of retrieve (one long ago). Failed: assemble. Stopped: one shard of review."""
    logs = tmp_path / "results/logs"
    logs.mkdir(parents=True)
    for name, seconds, cpu, memory in (
        ("deduplicate", 7200.0, 3600.0, "1024.00"),
        ("retrieve.1-of-2", 1800.0, 900.0, "10.00"),
        ("retrieve.2-of-2", 5400.0, 900.0, "-"),
    ):
        (logs / f"{name}.log").write_text("done\n")
        (logs / f"{name}.tsv").write_text(
            f"{HEAD}\n{seconds}\t0\t{memory}\t0\t0\t0\t0\t0\t0\t{cpu}\n", encoding="utf-8"
        )
    (logs / "assemble_code.log").write_text("# again: snakemake --force x.log\nworking\nthemis: it broke [here]\n")
    (logs / "review.tiny.1-of-2.log").write_text("half\n")
    for log in logs.glob("*.log"):
        os.utime(log, (1e9, 1e9))
    own = tmp_path / ".snakemake/log"
    own.mkdir(parents=True)
    (own / "2026-01-01T000000.000000.snakemake.log").write_text(
        "rule assemble:\n    output: results/preferences/code.parquet\n    log: results/logs/assemble_code.log\n"
        "Error in rule assemble:\n    jobid: 3\n"
        "    log: results/logs/assemble_code.log (check log file(s) for error details)\n"
        "localrule review:\n    log: results/logs/review.tiny.1-of-2.log\n    jobid: 4\n"
    )
    return tmp_path


@pytest.fixture
def table() -> Callable[[Path, int], Path]:
    """Write a table of so many rows; what is in them is no matter here."""

    def make(path: Path, rows: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"id": list(range(rows))}), path)
        return path

    return make
