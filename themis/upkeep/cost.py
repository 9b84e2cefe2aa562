"""What a run took, rule by rule, and what the same would take with as many rows as the paper's."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.files import write_text
from themis.upkeep.benchmarks import Taken, taken
from themis.upkeep.steps import steps

_HOUR = 3600.0
# Rows at the paper's scale (figure 1; sections 3 and 4.1) and the table here whose rows stand for them.
_MINED = (28_000_000, "commits/mined.parquet")
_SELECTED = (3_000_000, "commits/selected.parquet")
_ACCEPTED = (126_586 + 3_455, "contents/accepted.parquet")
_ALL = (354_010 + 110_717, "preferences/*.parquet")
_SCORED = (8_866, "scores/*/*.parquet")  # by each model; here of every benchmark, perturbed pairs included
_IMPORTED = "imported"  # below scores: runs scored elsewhere
_GROWING = {
    "select": _MINED,
    **dict.fromkeys(("retrieve", "gather_contents", "deduplicate", "label_aspects", "gather_aspects"), _SELECTED),
    **dict.fromkeys(("instruct", "gather_instructions", "judge", "gather_judgements", "decide"), _ACCEPTED),
    **dict.fromkeys(("mutate", "introduce_bugs", "gather_bugs", "collect_commits", "collect_faults"), _ACCEPTED),
    **dict.fromkeys(("assemble", "export_preferences", "train"), _ALL),
    **dict.fromkeys(("score", "gather_score_shards"), _SCORED),
}
_SCHEMA = {
    "rule": pl.String,
    "runs": pl.Int64,
    "wall_hours": pl.Float64,
    "cpu_hours": pl.Float64,
    "gpu_hours": pl.Float64,
    "peak_memory_gb": pl.Float64,
    "rows": pl.Int64,
    "paper_rows": pl.Int64,
    "paper_wall_hours": pl.Float64,
    "paper_cpu_hours": pl.Float64,
    "paper_gpu_hours": pl.Float64,
}


def write_cost(folder: Path, stem: Path) -> None:
    """Write the cost table of the run in a working folder to STEM.csv (all digits) and STEM.md (to read)."""
    table = cost(folder)
    stem = Path(stem)
    for ending, text in (("csv", table.write_csv(float_precision=6)), ("md", _markdown(table))):
        write_text(stem.with_name(f"{stem.name}.{ending}"), text)


def cost(folder: Path) -> pl.DataFrame:
    """A row per rule by wall time: runs, wall_hours and cpu_hours of all runs, gpu_hours (GPUs times wall time; null
    where the benchmark files have no resources: `benchmark-extended` writes them), peak_memory_gb of one run. What a
    step was too short to be measured for is left out, and null where no run was measured. Of a step on several machines,
    CPU and memory are those of the one that began it.

    rows and paper_rows: those that the rule's time grows with, here and at the paper's scale. The paper_ columns are the
    times here, of which all but the start of each run (the least time of any step) is multiplied by paper_rows / rows:
    the same models on the same machine. Null for a rule whose time does not grow with the rows, or whose rows the paper
    does not give. Only finished runs count.
    Raises Problem where the folder has no finished run.
    """
    folder = Path(folder)
    took: defaultdict[str, list[Taken]] = defaultdict(list)
    for step in steps(folder):
        if step.state == "done" and (one := taken(step.log)):
            took[step.rule].append(one)
    if not took:
        raise Problem(f"{folder / 'results/logs'}: no benchmark files of finished steps; run the workflow first")
    every = [run for runs in took.values() for run in runs]
    start = (min(run.wall for run in every), min((run.cpu for run in every if run.cpu is not None), default=0.0))
    table = pl.DataFrame([_row(rule, runs, start, folder) for rule, runs in took.items()], schema=_SCHEMA)
    return table.sort("wall_hours", "rule", descending=[True, False])


def _row(rule: str, runs: list[Taken], start: tuple[float, float], folder: Path) -> dict[str, object]:
    wall, known = sum(run.wall for run in runs), [run.cpu for run in runs if run.cpu is not None]
    cpu = sum(known) if known else None
    gpus = [None if run.gpus is None else run.gpus * run.wall for run in runs]
    gpu = None if None in gpus else sum(gpus)
    held = sum(run.gpus or 0 for run in runs)
    memory = [run.memory for run in runs if run.memory is not None]
    paper, rows = _rows(rule, folder / "results")
    times = paper / rows if paper and rows else None

    def then(seconds: float | None, count: float, least: float) -> float | None:
        if times is None or seconds is None:
            return None
        begun = count * least
        return (begun + (seconds - begun) * times) / _HOUR

    return {
        "rule": rule,
        "runs": len(runs),
        "wall_hours": wall / _HOUR,
        "cpu_hours": None if cpu is None else cpu / _HOUR,
        "gpu_hours": None if gpu is None else gpu / _HOUR,
        "peak_memory_gb": max(memory) * 2**20 / 1e9 if memory else None,
        "rows": rows,
        "paper_rows": paper,
        "paper_wall_hours": then(wall, len(runs), start[0]),
        "paper_cpu_hours": then(cpu, len(known), start[1]),
        "paper_gpu_hours": then(gpu, held, start[0]),
    }


def _rows(rule: str, results: Path) -> tuple[int | None, int | None]:
    """Rows at the paper's scale and here."""
    if rule not in _GROWING:
        return None, None
    paper, pattern = _GROWING[rule]
    paths = [path for path in sorted(results.glob(pattern)) if path.parent.name != _IMPORTED]
    if pattern == _SCORED[1]:
        paper *= len({path.stem for path in paths})
    return paper, sum(pq.read_metadata(path).num_rows for path in paths) or None


def _markdown(table: pl.DataFrame) -> str:
    titles = {
        "rule": "Rule", "runs": "Runs", "wall_hours": "Wall h", "cpu_hours": "CPU h", "gpu_hours": "GPU h",
        "peak_memory_gb": "Peak GB", "rows": "Rows", "paper_rows": "Paper's rows", "paper_wall_hours": "Wall h then",
        "paper_cpu_hours": "CPU h then", "paper_gpu_hours": "GPU h then",
    }  # fmt: skip
    known = [name for name in titles if name == "runs" or name.endswith("_hours")]
    total = table.select(
        *(pl.col(name).sum() if table[name].count() else pl.lit(None).alias(name) for name in known),
        pl.col("peak_memory_gb").max(),
    ).row(0, named=True)
    lines = [f"| {' | '.join(titles.values())} |", f"|{'---|' * len(titles)}"]
    for row in (*table.iter_rows(named=True), {"rule": "**all**", **total}):
        lines.append(f"| {' | '.join(_cell(row.get(name)) for name in titles)} |")
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
