"""Commands of the dedup stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("deduplicate")(deduplicate)


def deduplicate(
    retrieved: Annotated[Path, typer.Argument(help="Commits with their contents.")],
    out: Annotated[Path, typer.Argument(help="The same commits with cluster_id and kept.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of the stage.")],
    engine: Annotated[str, typer.Option(help="MinHash engine: rensa or datasketch.")] = "rensa",
    shingle: Annotated[int, typer.Option(min=1, help="Words per shingle.")] = 5,
    permutations: Annotated[int, typer.Option(min=16, help="Length of a signature.")] = 256,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Jaccard similarity from which two documents are duplicates.")
    ] = 0.7,
    threads: Annotated[int, typer.Option(min=1, help="Threads that sign documents.")] = 1,
) -> None:
    """Mark all but one commit of every group of near-duplicates, and the commits that change nothing."""
    from themis.dedup.deduplicate import deduplicate_file

    deduplicate_file(
        retrieved,
        out,
        ledger,
        engine=engine,  # type: ignore[arg-type]  # the engine itself refuses another name
        shingle=shingle,
        permutations=permutations,
        threshold=threshold,
        threads=threads,
    )
