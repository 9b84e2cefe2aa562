"""The command that exports data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("export")(export)


def export(
    tables: Annotated[list[Path], typer.Argument(help="Preferences tables, or one benchmark.")],
    out: Annotated[Path, typer.Argument(help="Folder of the data set; its name is the data set's.")],
    ledger: Annotated[
        list[Path] | None, typer.Option(help="Attrition ledger whose yields the card tells; repeat.")
    ] = None,
    lengths: Annotated[list[Path] | None, typer.Option(help="Lengths table of a set; repeat.")] = None,
    commits: Annotated[Path | None, typer.Option(help="Labelled commits, for the licences of their pairs.")] = None,
    shard_mb: Annotated[int, typer.Option(min=1, help="Text in a file, MiB.")] = 500,
) -> None:
    """Export training sets, or a benchmark, as a Hugging Face dataset folder with its card."""
    from themis.preferences.export import export as run

    run(
        tables,
        out,
        shard_bytes=shard_mb << 20,
        ledgers=ledger or (),
        lengths=lengths or (),
        commits=commits,
    )
