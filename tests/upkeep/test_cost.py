"""Hours, memory and GPUs by rule are those of the benchmark files, and the forecast grows with the rows."""

from __future__ import annotations

import polars as pl
import pytest

from themis.errors import Problem
from themis.upkeep.cost import cost, write_cost


def test_hours_are_summed_over_the_runs_of_a_rule(folder, table):
    table(folder / "results/commits/selected.parquet", 300)
    rows = {row["rule"]: row for row in cost(folder).iter_rows(named=True)}
    assert set(rows) == {"deduplicate", "retrieve"}  # what has not finished has no cost yet
    retrieve = rows["retrieve"]
    assert (retrieve["runs"], retrieve["wall_hours"], retrieve["cpu_hours"]) == (2, 2.0, 0.5)
    assert retrieve["peak_memory_gb"] == pytest.approx(10 * 2**20 / 1e9)
    assert retrieve["gpu_hours"] is None
    assert (retrieve["rows"], retrieve["paper_rows"]) == (300, 3_000_000)
    # Half an hour of each run is its start, by the shortest step; the rest is done 10,000 times. CPU is all start.
    assert retrieve["paper_wall_hours"] == pytest.approx(1 + 10_000)
    assert retrieve["paper_cpu_hours"] == pytest.approx(0.5)


def test_a_rule_without_rows_has_no_forecast(folder):
    logs = folder / "results/logs"
    for ending in ("log", "tsv"):
        (logs / f"report.{ending}").write_bytes((logs / f"deduplicate.{ending}").read_bytes())
    rows = {row["rule"]: row for row in cost(folder).iter_rows(named=True)}
    for rule in ("report", "deduplicate"):  # the one does not grow, the rows of the other are not here
        assert rows[rule]["paper_wall_hours"] is None
        assert rows[rule]["wall_hours"] == 2.0


def test_gpu_hours_are_those_of_the_jobs_resources(folder):
    (folder / "results/logs/deduplicate.tsv").write_text(
        "s\tmax_rss\tcpu_time\tresources\n7200\t1\t1\t{'mem_mb': 5, 'gpu': 4, 'tmpdir': '/tmp'}\n"
    )
    (row,) = cost(folder).filter(pl.col("rule") == "deduplicate").iter_rows(named=True)
    assert row["gpu_hours"] == 8.0


def test_both_files_say_the_same(folder):
    write_cost(folder, folder / "results/tables/cost")
    written = pl.read_csv(folder / "results/tables/cost.csv")
    assert written["rule"].to_list() == ["deduplicate", "retrieve"]
    lines = (folder / "results/tables/cost.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == written["rule"].to_list()


def test_a_folder_without_a_finished_run_is_named(tmp_path):
    with pytest.raises(Problem, match="no benchmark files of finished steps"):
        cost(tmp_path)
