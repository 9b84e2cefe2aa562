"""The short table at the end of a run: every model's accuracy by criterion, and where the report lies."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from themis.analysis.accuracy import MACRO, OVERALL, accuracy, label, ranking
from themis.analysis.headline import headline
from themis.analysis.inputs import read_scores
from themis.analysis.tables import estimate
from themis.records import read
from themis.vocabulary import Criterion

_WIDTH = 100  # columns where the output is not a terminal
_SHORT = {
    OVERALL: "All pairs",
    Criterion.FUNCTIONAL_CORRECTNESS: "Correctness",
    Criterion.RUNTIME_EFFICIENCY: "Runtime",
    Criterion.MEMORY_EFFICIENCY: "Memory",
    Criterion.SECURITY_HARDNESS: "Security",
    Criterion.READABILITY_MAINTAINABILITY: "Readability",
}


def print_summary(
    crb: Path, report: Path, benchmark: Path | None = None, seed: int = 0, console: Console | None = None
) -> None:
    """Print model x criterion accuracy with 95% intervals, the headline and the report's path to stdout.

    Without `benchmark`, the one the scores name is looked for beside them; where it is, intervals allow for pairs that
    share a prompt.
    """
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDTH, highlight=False, color_system=None)
    scores = read_scores(crb, benchmark or _benchmark_beside(crb))
    table = accuracy(scores, "aspect", seed=seed)
    console.print()
    console.print(_table(table))
    for line in _notes(table):
        console.print(line, style="dim", soft_wrap=False)
    console.print()
    console.print(Text(headline(scores, table, seed).sentence))
    console.print()
    console.print(Text(f"Report: {report}"), soft_wrap=True)


def _benchmark_beside(crb: Path) -> Path | None:
    names = set(read(crb, "scores", ["benchmark"])["benchmark"].to_pylist())
    path = crb.parent / "benchmark" / f"{names.pop()}.parquet" if len(names) == 1 else None
    return path if path and path.is_file() else None


def _table(table: pl.DataFrame) -> Table:
    rows = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    order = ranking(table)
    groups = [group for group in table["group"].unique(maintain_order=True) if group != MACRO]
    drawn = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    drawn.add_column("Accuracy\n", overflow="fold")
    for group in groups:
        drawn.add_column(f"{_SHORT.get(group, label(group))}\nn = {rows[order[0], group]['n']:,}", no_wrap=True)
    for model in order:
        cells = []
        for group in groups:
            row = rows[model, group]
            style = "green" if row["low"] > 0.5 else "red" if row["high"] < 0.5 else ""
            cells.append(Text(estimate(row["half_credit"], row["low"], row["high"]), style=style))
        drawn.add_row(Text(model), *cells)
    return drawn


def _notes(table: pl.DataFrame) -> list[str]:
    notes = ["Share of pairs in which the better code scores higher, a tie counts half; [95% interval]."]
    overall = table.filter(pl.col("group") == OVERALL)
    for name, said in (("ties", "Ties"), ("missing", "Missing, counted as wrong")):
        some = [f"{row['model']} {row[name]:,}" for row in overall.filter(pl.col(name) > 0).iter_rows(named=True)]
        if some:
            notes.append(f"{said}: {', '.join(some)}.")
    return notes
