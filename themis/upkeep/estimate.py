"""The disk and memory that a study takes, as a table on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from themis.study import load
from themis.upkeep.needs import disk_at_start, disk_needs, memory_at_start
from themis.upkeep.sizes import size


def print_estimate(path: Path) -> None:
    """Print what the study in a YAML file takes. Raises Problem where it is no study."""
    study = load(path)
    table = Table(box=None, pad_edge=False)
    table.add_column("disk for")
    table.add_column("at most", justify="right")
    table.add_column("counted as")
    needs = disk_needs(study)
    for need in needs:
        table.add_row(need.what, "not known" if need.bytes is None else size(need.bytes), need.how)
    table.add_row("all that is known", size(sum(need.bytes or 0 for need in needs)))
    console = Console(width=None if Console().is_terminal else 160, highlight=False)
    console.print(table)
    console.print(
        f"asked for as a run starts: {size(disk_at_start(study))} of disk less what results/ holds, "
        f"{size(memory_at_start(study))} of memory"
    )
