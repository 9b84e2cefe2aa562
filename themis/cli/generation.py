"""Commands about the requests put to language models: batch files and what was used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[list[Path], typer.Argument(help="Folders of batch files, which steps with openai.batch write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("batch-submit")(batch_submit)
    app.command("batch-status")(batch_status)
    app.command("batch-read")(batch_read)
    app.command("usage")(usage)


def batch_submit(folders: Folders) -> None:
    """Upload batch files to their server and have them worked on; none is submitted twice."""
    from themis.generation.batch_server import submit

    for folder in folders:
        print(f"{folder}: {submit(folder)} batches begun")


def batch_status(folders: Folders) -> None:
    """Say how far each batch file is."""
    from themis.generation.batch_server import status

    for folder in folders:
        for name, said in status(folder):
            print(f"{folder / name}: {said}")


def batch_read(folders: Folders) -> None:
    """Take the answers of finished batches into the cache, fetched from the server or from output files beside them."""
    from themis.generation.batch_answers import read_answers
    from themis.generation.batch_server import fetch

    for folder in folders:
        fetch(folder)
        for outcome, count in sorted(read_answers(folder).items()):
            print(f"{folder}: {count} requests {outcome}")


def usage(
    out: Annotated[Path, typer.Argument(help="Table to write.")],
    caches: Annotated[list[Path], typer.Argument(help="Caches of answers, of one model.")],
    usd_per_million_prompt_tokens: Annotated[float, typer.Option(min=0, help="Price of a million tokens read.")] = 0.0,
    usd_per_million_new_tokens: Annotated[float, typer.Option(min=0, help="Price of a million tokens written.")] = 0.0,
) -> None:
    """Sum the requests, tokens and cost of a model's caches."""
    from themis.generation.usage import usage as used
    from themis.records import write

    table = used(caches, usd_per_million_prompt_tokens, usd_per_million_new_tokens)
    write(table, out, "metrics", inputs=caches)
