"""Commands of the analysis stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("measure")(measure)
    app.command("notebook")(notebook)
    app.command("report")(report)
    app.command("summary")(summary)


def measure(
    crb: Annotated[Path, typer.Argument(help="Every model's scores on the code benchmark.")],
    out: Annotated[Path, typer.Argument(help="Folder of the measures, a table each.")],
    benchmark: Annotated[
        Path | None, typer.Option(help="The benchmark's texts; none: pairs that models score alike share a prompt.")
    ] = None,
    trained_subset: Annotated[
        list[str] | None, typer.Option(help="Pattern of subsets whose families are in the training mix; repeat.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Draws of every bootstrap.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compute every measure of the scores: accuracies, ranks, paired tests, calibration, agreement and more."""
    from themis.analysis.measure import measure as run

    run(crb, out, benchmark=benchmark, trained_subsets=trained_subset or (), resamples=resamples, seed=seed)


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
    figures: Annotated[Path, typer.Option(help="Folder of the figures.")],
    attrition: Annotated[Path | None, typer.Option(help="Joined attrition ledger.")] = None,
    benchmark: Annotated[Path | None, typer.Option(help="The benchmark's texts.")] = None,
    notebook: Annotated[list[Path] | None, typer.Option(help="Page of an executed notebook; repeat.")] = None,
    command: Annotated[str, typer.Option(help="The command that makes all of it again.")] = "make crb",
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Write the report: one page with the leaderboard, figures and the ledger, which works offline."""
    from themis.analysis.report import write_report

    write_report(
        out_html,
        crb=crb,
        attrition=attrition,
        benchmark=benchmark,
        figures=figures,
        notebooks=notebook or [],
        command=command,
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
