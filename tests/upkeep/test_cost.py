"""Hours, memory and GPUs by rule are those of the benchmark files, and the forecast grows with the rows."""

from __future__ import annotations

import os

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


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ("{'mem_mb': 5, 'gpu': 4, 'tmpdir': '/tmp'}", 4),
        ("{'mem_mb': 5, 'nodes': 2}", 0),
        ("{'gres': 'gpu:8', 'nodes': 4}", 32),  # of each node
        ("{'gres': 'gpu:a100:2,shard:3'}", 2),
        ("{'gres': 'gpu'}", 1),
        ("{'gpu': 4, 'gres': 'gpu:8'}", 4),
        ("not said", None),
    ],
)
def test_gpu_hours_are_those_of_the_jobs_resources(folder, table, resources, gpus):
    (folder / "results/logs/deduplicate.tsv").write_text(f"s\tmax_rss\tcpu_time\tresources\n7200\t1\t1\t{resources}\n")
    table(folder / "results/commits/selected.parquet", 300)
    (row,) = cost(folder).filter(pl.col("rule") == "deduplicate").iter_rows(named=True)
    assert row["gpu_hours"] == (None if gpus is None else 2.0 * gpus)
    # Half an hour is the start, by the shortest step.
    assert row["paper_gpu_hours"] == (None if gpus is None else pytest.approx(gpus * (0.5 + 1.5 * 10_000)))


def test_scored_rows_are_those_of_every_benchmark_and_model(folder, table):
    logs = folder / "results/logs"
    for ending in ("log", "tsv"):
        (logs / f"score.{ending}").write_bytes((logs / f"deduplicate.{ending}").read_bytes())
    for place, rows in (("crb/a", 30), ("crb/b", 30), ("robustness/a", 4), ("imported/c", 8), ("shards/crb/a.1", 15)):
        table(folder / f"results/scores/{place}.parquet", rows)
    (row,) = cost(folder).filter(pl.col("rule") == "score").iter_rows(named=True)
    assert (row["rows"], row["paper_rows"]) == (64, 2 * 8_866)


def test_the_peak_is_that_of_the_largest_run(folder):
    file = folder / "results/logs/retrieve.2-of-2.tsv"
    file.write_text(file.read_text().replace("\t-\t", "\t30.00\t"))
    (row,) = cost(folder).filter(pl.col("rule") == "retrieve").iter_rows(named=True)
    assert row["peak_memory_gb"] == pytest.approx(30 * 2**20 / 1e9)


def test_what_runs_again_does_not_count_and_of_several_measurements_the_last_does(folder):
    logs = folder / "results/logs"
    (logs / "retrieve.1-of-2.log").write_text("begun again\n")
    os.utime(logs / "retrieve.1-of-2.log", (4e9, 4e9))
    lines = (logs / "deduplicate.tsv").read_text().splitlines()
    (logs / "deduplicate.tsv").write_text("\n".join([lines[0], lines[1].replace("7200.0", "60.0"), lines[1]]) + "\n")
    rows = {row["rule"]: row for row in cost(folder).iter_rows(named=True)}
    assert (rows["retrieve"]["runs"], rows["retrieve"]["wall_hours"]) == (1, 1.5)
    assert (rows["deduplicate"]["runs"], rows["deduplicate"]["wall_hours"]) == (1, 2.0)


def test_both_files_say_the_same(folder):
    write_cost(folder, folder / "results/tables/cost")
    written = pl.read_csv(folder / "results/tables/cost.csv")
    assert written["rule"].to_list() == ["deduplicate", "retrieve"]
    lines = (folder / "results/tables/cost.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [*written["rule"].to_list(), "**all**"]
    assert [cell.strip() for cell in lines[-1].split("|")[2:7]] == ["3", "4", "1.5", "", "1.07"]


def test_a_folder_without_a_finished_run_is_named(tmp_path):
    with pytest.raises(Problem, match="no benchmark files of finished steps"):
        cost(tmp_path)
