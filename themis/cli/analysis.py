"""Commands of the analysis stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("notebook")(notebook)
    app.command("report")(report)
    app.command("summary")(summary)


def notebook(
    template: Annotated[Path, typer.Argument(help="Notebook with one `parameters` cell.")],
    out_ipynb: Annotated[Path, typer.Argument(help="Executed notebook.")],
    out_html: Annotated[Path, typer.Argument(help="The same as a page that needs no network.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE; repeat it for other parameters, and for the items of a list."),
    ] = None,
) -> None:
    """Run a notebook with its parameters and write it down with its outputs."""
    from themis.analysis.notebooks import run

    run(template, out_ipynb, out_html, parameter or [])


def report(
    out_html: Annotated[Path, typer.Argument(help="The report.")],
    crb: Annotated[Path, typer.Option(help="Every model's scores on the code benchmark.")],
    attrition: Annotated[Path, typer.Option(help="Joined attrition ledger.")],
    benchmark: Annotated[Path, typer.Option(help="The benchmark.")],
    figures: Annotated[Path, typer.Option(help="Folder of the figures.")],
    notebook: Annotated[list[Path] | None, typer.Option(help="Page of an executed notebook; repeat.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Write the report: one page with tables, figures and the ledger."""
    from themis.analysis.report import write_report

    write_report(
        out_html,
        crb=crb,
        attrition=attrition,
        benchmark=benchmark,
        figures=figures,
        notebooks=notebook or [],
        seed=seed,
    )


def summary(
    crb: Annotated[Path, typer.Argument(help="Every model's scores on the code benchmark.")],
    report: Annotated[Path, typer.Option(help="Where the report lies.")],
    benchmark: Annotated[
        Path | None, typer.Option(help="The benchmark; with it, intervals allow for pairs that share a prompt.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Print every model's accuracy by criterion."""
    from themis.analysis.summary import print_summary

    print_summary(crb, report, benchmark, seed)
