"""The state of a run: steps, rows, time and disk of every stage, and why what failed has failed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from themis.errors import Problem
from themis.upkeep.benchmarks import taken
from themis.upkeep.sizes import size, span
from themis.upkeep.stages import STAGES, disk_of, files_of, stage_of
from themis.upkeep.steps import Step, run_going_on, steps

_OTHER = "other"
_STATES = ("done", "running", "failed", "stopped")


def print_status(folder: Path, lines: int = 5) -> None:
    """Print the state of the run in a working folder, during it or after: a line per stage, then each step that failed
    with its log's last `lines` lines. Only reads. Raises Problem where the folder has no results/."""
    results = Path(folder) / "results"
    if not results.is_dir():
        raise Problem(
            f"{results}: no such folder; go to the folder that Snakemake is called in, or name it with --folder"
        )
    # As wide as it needs to be where it is no terminal: nothing of a table is cut off in a file.
    console = Console(width=None if Console().is_terminal else 160, highlight=False)
    found = steps(Path(folder))
    going = run_going_on(Path(folder))
    console.print(f"a run goes on here (process {going})" if going else "no run goes on here on this machine")
    console.print(_table(results, found))
    for step in found:
        if step.state == "failed":
            _print_failure(console, step, lines)
    if stopped := [step for step in found if step.state == "stopped"]:
        console.print(f"stopped: {', '.join(step.log.stem for step in stopped)}; the same command goes on from there")


def result_rows(results: Path, stage: str) -> int | None:
    """Rows of the tables that are a stage's result, by their metadata; None where there is none of them."""
    patterns = next(found.rows for found in STAGES if found.name == stage)
    paths = [path for pattern in patterns for path in results.glob(pattern)]
    counts = [_rows(path) for path in paths if stage_of(path.relative_to(results).as_posix()) == stage]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _table(results: Path, found: list[Step]) -> Table:
    disk: Counter[str] = Counter()
    for path, stage in files_of(results):
        disk[stage or _OTHER] += disk_of(path)
    states: Counter[tuple[str, str]] = Counter()
    wall: Counter[str] = Counter()
    for step in found:
        stage = stage_of(step.log.relative_to(results).as_posix()) or _OTHER
        states[stage, step.state] += 1
        if step.state == "done" and (took := taken(step.log)):
            wall[stage] += took.wall
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    for title in (*_STATES, "rows", "time", "disk"):
        table.add_column(title, justify="right")
    for stage in [*(stage.name for stage in STAGES), _OTHER]:
        counts = [states[stage, state] for state in _STATES]
        if disk[stage] or any(counts):
            rows = None if stage == _OTHER else result_rows(results, stage)
            table.add_row(
                stage,
                *(str(count or "") for count in counts),
                "" if rows is None else f"{rows:,}",
                span(wall[stage]) if wall[stage] else "",
                size(disk[stage]),
            )
    totals = Counter(step.state for step in found)
    counts = (str(totals[state] or "") for state in _STATES)
    table.add_row("all", *counts, "", span(wall.total()), size(disk.total()))
    return table


def _print_failure(console: Console, step: Step, lines: int) -> None:
    text = step.log.read_text(encoding="utf-8", errors="replace").splitlines()
    again = [line.removeprefix("# again: ") for line in text[:1] if line.startswith("# again: ")]
    said = [line for line in text if line.strip() and not line.startswith("# again: ")]
    console.print(f"\nfailed: {step.rule}, {step.log}", markup=False)
    for line in said[-lines:]:
        console.print(f"  {line}", markup=False)
    for command in again:
        console.print(f"  again: {command}", markup=False, soft_wrap=True)


def _rows(path: Path) -> int | None:
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):  # gone or not yet whole
        return None
