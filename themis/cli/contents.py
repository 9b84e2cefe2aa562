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
    ledger: Annotated[Path, typer.Option(help="Attrition ledger to write.")],
    attempts: Annotated[Path, typer.Option(help="Table to write of what each repository answered.")],
    tables: Annotated[Path | None, typer.Option(help="Folder of the table of repositories at hand, if any.")] = None,
    remote: Annotated[str | None, typer.Option(help="URL of those not at hand, with {repository} in it.")] = None,
    shard: Annotated[int, typer.Option(min=0, help="Number of this shard, from 0.")] = 0,
    shards: Annotated[int, typer.Option(min=1, help="Shards the rows are split into.")] = 1,
    max_bytes: Annotated[int, typer.Option(min=1, help="A larger file is dropped.")] = 1_000_000,
    tries: Annotated[int, typer.Option(min=1, help="Requests until one is given up.")] = 8,
    wait_s: Annotated[float, typer.Option(min=0, help="Pause after the first failure, doubled each time.")] = 2.0,
    stall_s: Annotated[int, typer.Option(min=1, help="Seconds below 1,000 bytes a second that end a request.")] = 60,
    request_s: Annotated[float, typer.Option(min=0, help="Seconds that a request may take.")] = 1800.0,
    per_host: Annotated[int, typer.Option(min=1, help="Requests to a host at a time.")] = 4,
    chunk: Annotated[int, typer.Option(min=2, help="Files asked for in a request.")] = 2000,
    scratch_mb: Annotated[int, typer.Option(min=1, help="MB of disk that a request may fill.")] = 2000,
    whole_clones: Annotated[bool, typer.Option(help="Clone where single files are not given out.")] = True,
    given_up: Annotated[int, typer.Option(min=1, help="Failures in a row that end asking a host.")] = 10,
) -> None:
    """Read both contents of every selected change, from folders and, where told to, over the network."""
    from themis.contents.retrieve import retrieve, unreached
    from themis.repositories.network import Limits

    limits = Limits(tries, wait_s, stall_s, request_s, per_host, chunk, scratch_mb, whole_clones, given_up)
    table = retrieve(
        selected,
        tables,
        out,
        ledger,
        attempts,
        shard=shard,
        shards=shards,
        max_bytes=max_bytes,
        remote=remote,
        limits=limits,
    )
    if failed := unreached(table):
        typer.echo(
            f"retrieve: hosts failed for {len(failed)} of {table.num_rows} sources (the first: {failed[0]}); "
            f"{attempts} has the reasons; run this step again to ask for what is lacking, and only that",
            err=True,
        )
