"""Commands that renew what the documentation is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("reference")(reference)
    app.command("rule-graph")(rule_graph)


def reference(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder of the pages.")],
    root: Annotated[Path, typer.Option(help="The project's folder, with its rules and profiles.")] = Path(),
) -> None:
    """Write the reference pages (settings, commands, tables, rules) and the captions of Snakemake's report."""
    from themis.analysis.captions import captions
    from themis.reference.pages import write_captions, write_pages

    write_pages(context.find_root().command, root, out)
    folder = root / "rules" / "captions"
    write_captions(captions()["figures"], folder)
    write_captions(captions()["tables"], folder / "tables")


def rule_graph(
    dot: Annotated[Path, typer.Argument(help="What `snakemake --rulegraph dot` printed; - for standard input.")],
    out: Annotated[Path, typer.Argument(help="Drawing to write, SVG.")],
) -> None:
    """Draw the graph of the rules, as Snakemake prints it."""
    from themis.reference.graph import write_graph

    write_graph(dot, out)
