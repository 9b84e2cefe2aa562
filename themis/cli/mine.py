"""Commands of mining: tables from repositories, the mining query, selection."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

_Licenses = Annotated[
    list[str], typer.Option("--license", help="Licence class: permissive, weak_copyleft or network_copyleft.")
]
_MinMessage = Annotated[int, typer.Option(min=0, help="A message is longer than this, in characters.")]
_MaxMessage = Annotated[int, typer.Option(min=1, help="A message is shorter than this.")]
_Since = typer.Option(formats=["%Y-%m-%d"], help="First day of the window; open where not given.")
_Until = typer.Option(formats=["%Y-%m-%d"], help="First day after the window; open where not given.")
_LedgerPath = Annotated[Path, typer.Option(help="Attrition ledger to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("tables")(tables)
    app.command("mine")(mine)
    app.command("show-query")(show_query)
    app.command("select")(select)


def tables(
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder of the tables.")],
    clones: Annotated[Path, typer.Option(help="Folder where repositories given by URL are cloned.")],
    repository: Annotated[list[str] | None, typer.Option(help="Folder or URL of a repository.")] = None,
    root: Annotated[list[Path] | None, typer.Option(help="Folder; every repository below it is read.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Repositories read at a time.")] = 1,
) -> None:
    """Read repositories into the tables the mining query runs on."""
    from themis.mine.tables import read_tables
    from themis.repositories.find import repositories_below

    below = [str(found) for folder in root or [] for found in repositories_below(folder)]
    read_tables([*(repository or []), *below], out, clones, threads)


def mine(
    tables_dir: Annotated[Path, typer.Argument(metavar="TABLES_DIR", help="Folder of the tables.")],
    out: Annotated[Path, typer.Argument(help="Mined table to write.")],
    licenses: _Licenses,
    ledger: _LedgerPath,
    min_message: _MinMessage = 10,
    max_message: _MaxMessage = 15000,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the query; all cores where not given.")] = None,
) -> None:
    """Run the mining query on the tables."""
    from themis.mine.mining import mine
    from themis.mine.warehouse import DuckDB

    warehouse = DuckDB(tables_dir, threads)
    mine(
        warehouse,
        out,
        ledger,
        licenses=licenses,
        min_message=min_message,
        max_message=max_message,
        inputs=list(warehouse.paths.values()),
    )


def show_query(
    licenses: _Licenses,
    min_message: _MinMessage = 10,
    max_message: _MaxMessage = 15000,
) -> None:
    """Print the mining query as BigQuery SQL for the public data set."""
    from themis.mine.query import PUBLIC_DATASET, mining_query

    typer.echo(mining_query(licenses, min_message, max_message, dataset=PUBLIC_DATASET))


def select(
    mined: Annotated[Path, typer.Argument(help="Mined table.")],
    out: Annotated[Path, typer.Argument(help="Selected table to write.")],
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")],
    language: Annotated[list[str], typer.Option(help="Language kept.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")],
    ledger: _LedgerPath,
    allow_list: Annotated[
        list[Path] | None, typer.Option(help="JSON file of owner/name lists; none: every repository.")
    ] = None,
    train_since: Annotated[datetime | None, _Since] = None,
    train_until: Annotated[datetime | None, _Until] = None,
    benchmark_since: Annotated[datetime | None, _Since] = None,
    benchmark_until: Annotated[datetime | None, _Until] = None,
    benchmark_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of repositories fit for both splits that go to the benchmark.")
    ] = 0.25,
    require_merged: Annotated[bool, typer.Option(help="Only what reached the main line and was not reverted.")] = True,
) -> None:
    """Select mined commits and split them by repository."""
    from themis.mine.select import Window, select

    def day(moment: datetime | None) -> date | None:
        return moment.date() if moment else None

    select(
        mined,
        tables,
        out,
        ledger,
        allow_lists=allow_list or [],
        languages=language,
        train=Window(day(train_since), day(train_until)),
        benchmark=Window(day(benchmark_since), day(benchmark_until)),
        benchmark_share=benchmark_share,
        require_merged=require_merged,
        seed=seed,
    )
