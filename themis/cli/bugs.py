"""Commands that put faults into programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from themis.cli.model_options import with_model
from themis.llm.model import Model, Sampling

Programs = Annotated[Path, typer.Argument(help="Accepted commits, whose new files are taken, or a collection.")]
Out = Annotated[Path, typer.Argument(help="Table of faulty programs to write.")]
Shard = Annotated[int, typer.Option(min=0, help="Part to work on, from 0.")]
Shards = Annotated[int, typer.Option(min=1, help="Parts the work is split into.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("mutate")(mutate)
    app.command("introduce-bugs")(introduce_bugs)


def mutate(
    programs: Programs,
    out: Out,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """Put a fault into each program by a mutation of its syntax tree."""
    from themis import records
    from themis.llm import bugs

    tables = bugs.mutated(bugs.programs(programs), seed=seed, shard=shard, shards=shards)
    records.write(tables, out, "bugs", inputs=[programs], seed=seed)


@with_model
def introduce_bugs(
    programs: Programs,
    out: Out,
    *,
    model: Model,
    sampling: Sampling,
    name: Annotated[str, typer.Option(help="The model's name in the table.")],
    instructions: Annotated[Path | None, typer.Option(help="What the commits' files were written for.")] = None,
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """Have a language model put a fault into each program."""
    from themis import records
    from themis.llm import bugs

    parts = bugs.programs(programs, instructions)
    tables = bugs.introduced(parts, model.generator(), name, sampling=sampling, shard=shard, shards=shards)
    inputs = [programs, *([instructions] if instructions else []), *model.weights()]
    records.write(tables, out, "bugs", inputs=inputs, seed=sampling.seed)
