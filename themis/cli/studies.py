"""Commands about the study and the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("study-defaults")(study_defaults)
    app.command("gather")(gather_parts)
    app.command("gather-attrition")(gather_attrition)


def study_defaults(
    defaults: Annotated[Path, typer.Argument(help="YAML file of every setting's default.")],
    schema: Annotated[Path, typer.Argument(help="JSON schema of a study.")],
) -> None:
    """Write the defaults and the JSON schema generated from the study's model."""
    from themis.study.generated import write_generated

    write_generated(defaults, schema)


def gather_attrition(
    ledgers: Annotated[list[Path], typer.Argument(help="Ledgers of the stages, in order.")],
    out: Annotated[Path, typer.Option(help="Joined ledger.")],
) -> None:
    """Join the ledgers of all stages and check that each adds up."""
    from themis.records import gather

    gather(ledgers, out)


def gather_parts(
    out: Annotated[Path, typer.Argument(help="Joined table.")],
    schema: Annotated[str, typer.Argument(help="Name of its schema.")],
    parts: Annotated[list[Path], typer.Argument(help="The shards.")],
) -> None:
    """Join the shards of a table and sort its rows."""
    from themis.records import gather_shards

    gather_shards(parts, out, schema)
