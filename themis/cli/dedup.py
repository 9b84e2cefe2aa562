"""Commands of the dedup stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("deduplicate")(deduplicate)


def deduplicate(
    retrieved: Annotated[Path, typer.Argument(help="Commits with their contents, in the order of their ids.")],
    out: Annotated[Path, typer.Argument(help="The same commits with cluster_id and kept.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of the stage.")],
    engine: Annotated[Literal["rensa", "datasketch"], typer.Option(help="MinHash engine.")] = "rensa",
    column: Annotated[
        list[str] | None, typer.Option(help="What is compared: old, new or diff; repeat to join. None: old and new.")
    ] = None,
    scope: Annotated[Literal["language", "all"], typer.Option(help="Compare within a language, or all.")] = "language",
    shingle: Annotated[int, typer.Option(min=1, help="Words per shingle.")] = 5,
    permutations: Annotated[int, typer.Option(min=16, help="Length of a signature.")] = 256,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Jaccard similarity from which two documents are duplicates.")
    ] = 0.7,
    verify: Annotated[bool, typer.Option(help="Compare the candidates exactly.")] = True,
    short: Annotated[
        Literal["keep", "drop"], typer.Option(help="What becomes of documents of fewer words than a shingle.")
    ] = "keep",
    compatibility: Annotated[
        Literal["none", "published"], typer.Option(help="published: cluster as the published system, to the bit.")
    ] = "none",
    threads: Annotated[int, typer.Option(min=1, help="Threads that sign and compare documents.")] = 1,
) -> None:
    """Mark all but one commit of every group of near-duplicates, and the commits that change nothing."""
    from themis.dedup.deduplicate import deduplicate
    from themis.similarity.signatures import Method

    deduplicate(
        retrieved,
        out,
        ledger,
        method=Method(engine, shingle, permutations, threshold, verify, compatibility == "published"),
        columns=column or ["old", "new"],
        scope=scope,
        short=short,
        threads=threads,
    )
