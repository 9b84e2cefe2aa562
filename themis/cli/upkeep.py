"""Commands about a run: its state, its cost, what it needs, and what may be removed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_Folder = Annotated[Path, typer.Option(help="Folder that Snakemake is called in; results/ lies there.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("status")(status)
    app.command("clean")(clean)
    app.command("estimate")(estimate)
    app.command("cost")(cost)


def status(
    folder: _Folder = Path(),
    lines: Annotated[int, typer.Option(min=1, help="Last lines shown of a failed step's log.")] = 5,
) -> None:
    """Print what is done, running, stopped and failed and why, with rows, time and disk of every stage."""
    from themis.upkeep.status import print_status

    print_status(folder, lines)


def clean(
    stages: Annotated[list[str], typer.Argument(help="Stages, as themis status names them.")],
    after: Annotated[bool, typer.Option("--after", help="And all later stages.")] = False,
    cache: Annotated[bool, typer.Option("--cache", help="And the answers of models so far.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    folder: _Folder = Path(),
) -> None:
    """Remove what stages made below results/: says how much it is, then asks."""
    from themis.upkeep.clean import clean as run

    run(folder, stages, after=after, cache=cache, say=typer.echo, agree=(lambda _: True) if yes else typer.confirm)


def estimate(
    study: Annotated[Path, typer.Argument(help="The study, a YAML file.")],
) -> None:
    """Print the disk and memory that a study takes at most, part by part."""
    from themis.upkeep.estimate import print_estimate

    print_estimate(study)


def cost(
    stem: Annotated[Path, typer.Argument(help="Files to write, without .csv and .md.")],
    folder: _Folder = Path(),
) -> None:
    """Write what every rule took, and what it would take with the paper's rows."""
    from themis.upkeep.cost import write_cost

    write_cost(folder, stem)
