"""The state of a run is read from its files: what is done, running, failed and why, rows, time and disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from themis.errors import Problem
from themis.upkeep.stages import files_of
from themis.upkeep.status import print_status, result_rows
from themis.upkeep.steps import run_going_on, steps


def states(folder):
    return {step.log.stem: (step.rule, step.state) for step in steps(folder)}


def test_each_step_has_the_state_that_its_files_tell(folder):
    assert states(folder) == {
        "deduplicate": ("deduplicate", "done"),
        "retrieve.1-of-2": ("retrieve", "done"),
        "retrieve.2-of-2": ("retrieve", "done"),
        "assemble_code": ("assemble", "failed"),
        "review.tiny.1-of-2": ("review", "stopped"),
    }


def test_a_step_that_failed_and_was_begun_again_has_not_failed(folder):
    later = folder / ".snakemake/log/2026-01-02T000000.000000.snakemake.log"
    later.write_text("rule assemble:\n    log: results/logs/assemble_code.log\n    jobid: 3\n")
    assert states(folder)["assemble_code"] == ("assemble", "stopped")


def test_a_log_newer_than_its_benchmark_file_is_of_a_step_that_runs(folder):
    (folder / "results/logs/deduplicate.log").write_text("again\n")
    (folder / "results/logs/deduplicate.tsv").touch()
    assert states(folder)["deduplicate"][1] == "done"
    os.utime(folder / "results/logs/deduplicate.tsv", (1e9, 1e9))
    assert states(folder)["deduplicate"][1] == "running"


def test_what_a_run_in_this_folder_has_begun_is_running(folder, tmp_path_factory):
    script = tmp_path_factory.mktemp("bin") / "snakemake"
    script.write_text("print('up', flush=True)\ninput()\n")
    with subprocess.Popen(
        [sys.executable, str(script)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        found, said = run_going_on(folder), states(folder)
        elsewhere = run_going_on(folder.parent)
        process.communicate(b"\n")
    assert found == process.pid
    assert elsewhere is None
    assert said["review.tiny.1-of-2"][1] == "running"
    assert said["assemble_code"][1] == "failed"


def test_the_table_says_rows_time_and_disk_and_why_a_step_failed(folder, table, capsys):
    table(folder / "results/contents/deduplicated.parquet", 1234)
    table(folder / "results/contents/retrieved.parquet", 5)
    (folder / "results/contents/retrieved.parquet").write_bytes(b"half")
    before = {path: path.stat().st_mtime_ns for path, _ in files_of(folder / "results")}
    print_status(folder)
    said = capsys.readouterr().out
    (line,) = re.findall(r"^dedup .*$", said, re.MULTILINE)
    assert line.split()[:4] == ["dedup", "1", "1,234", "2:00:00"]
    (line,) = re.findall(r"^contents .*$", said, re.MULTILINE)
    assert line.split()[:3] == ["contents", "2", "2:00:00"]
    assert re.search(
        r"^failed: assemble, .*assemble_code.log\n  working\n  themis: it broke \[here\]\n", said, re.MULTILINE
    )
    assert "again: snakemake --force x.log" in said
    assert "stopped: review.tiny.1-of-2" in said
    assert {path: path.stat().st_mtime_ns for path, _ in files_of(folder / "results")} == before


def test_rows_are_those_of_the_stage_alone(folder, table):
    results = folder / "results"
    table(results / "benchmark/crb.parquet", 3)
    table(results / "benchmark/robustness.parquet", 50)
    assert result_rows(results, "benchmarks") == 3
    assert result_rows(results, "rerank") is None


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(Problem, match="results: no such folder"):
        print_status(tmp_path)
