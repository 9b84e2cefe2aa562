"""The study of 28 million commits: its DAG in a dry run, and what its stages would cost by what they cost here a row.

THEMIS_BENCH_REPOSITORIES names a folder of clones whose rows are measured; otherwise the demo corpus's are.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from tests.benchmarks.result import Result
from themis.demo.corpus import write_corpus
from themis.study import validate

ROOT = Path(__file__).parents[2]
LIMIT_S, MOST_JOBS = 10.0, 5000
MINED, SELECTED = (
    28_000_000,
    3_000_000,
)  # commits of the paper's query, and of merged pull requests (section 3, appendix B)
MB_S = 12.5  # of a network of 100 Mbit/s
HEAD = "| stage | rows | CPU-hours | disk, GB | network, GB |\n|---|---|---|---|---|"


def measure() -> Result:
    """Seconds of `snakemake -n` for the profile `bigquery` to crb.parquet and the report; no peer but the bar."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, jobs = _dry_run(Path(folder, "study"))
        table = _costs(Path(folder, "costs"))
    print(table)
    return Result(
        "s", seconds, LIMIT_S, "the bar", 1, f"{jobs:,} jobs (bar {MOST_JOBS:,})", LIMIT_S, true=0 < jobs < MOST_JOBS
    )


def _dry_run(folder: Path) -> tuple[float, int]:
    for name in ("rules", "notebooks", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "ghtorrent").mkdir()
    targets = ("results/crb.parquet", "results/report.html")
    command = (sys.executable, "-m", "snakemake", "-n", "--profile", "profiles/bigquery", "--cores", "2", *targets)
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, int(re.search(r"^total +(\d+)", done.stdout, re.MULTILINE)[1])


def _costs(folder: Path) -> str:
    """CPU time and bytes of each stage a row here, times the rows of the study, as a table in Markdown."""
    from themis.contents.retrieve import retrieve
    from themis.dedup.deduplicate import deduplicate
    from themis.mine.mining import mine
    from themis.mine.select import Window, select
    from themis.mine.tables import read_tables
    from themis.mine.warehouse import DuckDB
    from themis.records import gather_shards
    from themis.repositories.find import repositories_below
    from themis.similarity.clustering import Method

    study = validate(yaml.safe_load((ROOT / "profiles/bigquery/study.yaml").read_text()))
    folder.mkdir()
    given = os.environ.get("THEMIS_BENCH_REPOSITORIES")
    if not given:
        write_corpus(folder / "demo", folder / "demo.parquet", seed=0, commits=20_000)
    roots = [str(path) for path in repositories_below(Path(given) if given else folder / "demo")]
    tables, at = folder / "tables", {name: folder / f"{name}.parquet" for name in ("mined", "selected", "retrieved")}
    ledger, other = folder / "ledger.parquet", folder / "other.parquet"
    _cpu(lambda: read_tables(roots, tables, folder / "clones", 2))
    spent = {
        "mine": _cpu(
            lambda: mine(
                DuckDB(tables, 2), at["mined"], ledger, other, licenses=study.mine.licenses, languages=study.mine.languages,
                min_message=study.mine.min_message, max_message=study.mine.max_message,
            )
        ),
        "select": _cpu(
            lambda: select(
                at["mined"], other, tables / "merges.parquet", at["selected"], ledger, allow_lists=[],
                languages=study.select.languages, train=Window(), benchmark=Window(), benchmark_share=0.25,
                require_merged=False, require_request=False, seed=study.seed, threads=2,
            )
        ),
        "retrieve": _cpu(
            lambda: retrieve(
                at["selected"], tables, folder / "shard.parquet", ledger, folder / "attempts.parquet", shard=0, shards=1,
                max_bytes=study.contents.max_bytes,
            )
        )
        + _cpu(lambda: gather_shards([folder / "shard.parquet"], at["retrieved"], "retrieved")),
        "deduplicate": _cpu(
            lambda: deduplicate(
                at["retrieved"], folder / "deduplicated.parquet", ledger, threads=2,
                method=Method(threshold=study.dedup.threshold, shingle=study.dedup.shingle, permutations=study.dedup.permutations),
            )
        ),
    }  # fmt: skip
    rows = {name: pq.read_metadata(path).num_rows for name, path in at.items()}
    size = {name: path.stat().st_size / rows[name] for name, path in at.items()}
    retrieved = SELECTED * rows["retrieved"] / rows["selected"]
    lines = [
        ("mine (BigQuery's part is priced by its dry run)", MINED, None, MINED * size["mined"], MINED * size["mined"]),
        ("select", MINED, MINED * spent["select"] / rows["mined"], SELECTED * size["selected"], None),
        (
            "retrieve", SELECTED, SELECTED * spent["retrieve"] / rows["selected"], 2 * retrieved * size["retrieved"],
            retrieved * size["retrieved"],
        ),
        (
            "deduplicate", retrieved, retrieved * spent["deduplicate"] / rows["retrieved"], retrieved * size["retrieved"], None,
        ),
    ]  # fmt: skip
    return "\n".join([HEAD, *(_line(*line) for line in lines)])


def _line(stage: str, rows: float, seconds: float | None, disk: float, network: float | None) -> str:
    hours = "" if seconds is None else f"{seconds / 3600:.1f}"
    return f"| {stage} | {rows / 1e6:.1f} M | {hours} | {disk / 1e9:.1f} | {'' if network is None else f'{network / 1e9:.1f}'} |"


def _cpu(work: Callable[[], object]) -> float:
    """Seconds of processor time that the work and its children take."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
