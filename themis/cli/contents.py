"""Commands of content retrieval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("retrieve")(retrieve)


def retrieve(
    selected: Annotated[Path, typer.Argument(help="Selected table.")],
    out: Annotated[Path, typer.Argument(help="Retrieved table of this shard to write.")],
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")],
    ledger: Annotated[Path, typer.Option(help="Attrition ledger to write.")],
    shard: Annotated[int, typer.Option(min=0, help="Number of this shard, from 0.")] = 0,
    shards: Annotated[int, typer.Option(min=1, help="Shards the rows are split into.")] = 1,
    max_bytes: Annotated[int, typer.Option(min=1, help="A larger file is dropped.")] = 1_000_000,
) -> None:
    """Read both contents of every selected change."""
    from themis.contents.retrieve import retrieve

    retrieve(selected, tables, out, ledger, shard=shard, shards=shards, max_bytes=max_bytes)
