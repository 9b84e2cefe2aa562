"""Commands of mining: tables from repositories, the mining query, selection."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from themis.vocabulary import LICENSES, MINED_LANGUAGES, PUBLIC_DATASET

if TYPE_CHECKING:
    from themis.records import Ledger

_Licenses = Annotated[
    list[str] | None,
    typer.Option("--license", help="Licence class: permissive, weak_copyleft or network_copyleft; all if none."),
]
_MinMessage = Annotated[int, typer.Option(min=0, help="A message is longer than this, in characters.")]
_MaxMessage = Annotated[int, typer.Option(min=1, help="A message is shorter than this.")]
_Declared = Annotated[
    list[str] | None, typer.Option(help="Language, one of which a repository must have; the nine of the paper if none.")
]
_Threads = Annotated[int | None, typer.Option(min=1, help="Threads of DuckDB; all cores where not given.")]
_Since = typer.Option(formats=["%Y-%m-%d"], help="First day of the window; open where not given.")
_Until = typer.Option(formats=["%Y-%m-%d"], help="First day after the window; open where not given.")
_LedgerPath = Annotated[Path, typer.Option(help="Attrition ledger to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("tables")(tables)
    app.command("mine")(mine)
    app.command("show-query")(show_query)
    app.command("compare-queries")(compare_queries)
    app.command("build-allow-list")(build_allow_list)
    app.command("ghtorrent-merges")(ghtorrent_merges)
    app.command("select")(select)


def tables(
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder of the tables.")],
    clones: Annotated[Path, typer.Option(help="Folder where repositories given by URL are cloned.")],
    repository: Annotated[list[str] | None, typer.Option(help="Folder or URL of a repository.")] = None,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="Folder; every repository below it is read, but damaged ones are left out."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Repositories read at a time.")] = 1,
) -> None:
    """Read repositories into the tables the mining query runs on."""
    from themis.mine.tables import read_tables
    from themis.records import read
    from themis.repositories.find import repositories_below

    below = [found for folder in root or [] for found in repositories_below(folder)]
    read_tables(repository or [], out, clones, threads, below=below)
    skipped = read(out / "skipped.parquet", "skipped")
    if skipped.num_rows:
        reason = skipped["reason"][0].as_py()
        typer.echo(f"themis: {skipped.num_rows} of {len(below)} repositories left out; the first: {reason}", err=True)


def mine(
    warehouse: Annotated[
        str, typer.Argument(metavar="TABLES_DIR|bigquery", help="Folder of the tables, or the word bigquery.")
    ],
    out: Annotated[Path, typer.Argument(help="Mined table to write.")],
    ledger: _LedgerPath,
    forks: Annotated[Path, typer.Option(help="Table of repositories that share commits to write.")],
    licenses: _Licenses = None,
    language: _Declared = None,
    min_message: _MinMessage = 10,
    max_message: _MaxMessage = 15000,
    threads: _Threads = None,
    project: Annotated[str | None, typer.Option(help="BigQuery: project that pays.")] = None,
    dataset: Annotated[str, typer.Option(help="BigQuery: project.dataset of the tables.")] = PUBLIC_DATASET,
    results_dataset: Annotated[
        str | None, typer.Option(help="BigQuery: project.dataset that keeps the results; else they are kept for a day.")
    ] = None,
    location: Annotated[str, typer.Option(help="BigQuery: where the data set lies.")] = "US",
    max_gib: Annotated[int, typer.Option(min=1, help="BigQuery: a query that would process more is not run.")] = 2000,
    usd_per_tib: Annotated[float, typer.Option(min=0, help="BigQuery: price of a TiB processed.")] = 6.25,
    part_rows: Annotated[int, typer.Option(min=1, help="BigQuery: rows fetched at once.")] = 100_000,
) -> None:
    """Run the mining query on the tables, or on BigQuery."""
    from themis.mine.bigquery import BigQuery
    from themis.mine.mining import mine
    from themis.mine.warehouse import DuckDB

    chosen: BigQuery | DuckDB
    inputs: list[Path] = []
    if warehouse == "bigquery":
        chosen = BigQuery(
            project,
            dataset,
            location=location,
            results_dataset=results_dataset,
            max_gib=max_gib,
            usd_per_tib=usd_per_tib,
            part_rows=part_rows,
        )
    else:
        chosen = DuckDB(Path(warehouse), threads)
        inputs = list(chosen.paths.values())
    mine(
        chosen,
        out,
        ledger,
        forks,
        licenses=licenses or list(LICENSES),
        languages=language or MINED_LANGUAGES,
        min_message=min_message,
        max_message=max_message,
        inputs=inputs,
    )


def show_query(
    licenses: _Licenses = None,
    language: _Declared = None,
    min_message: _MinMessage = 10,
    max_message: _MaxMessage = 15000,
    published: Annotated[bool, typer.Option("--published", help="The published system's query instead.")] = False,
    forks: Annotated[
        bool, typer.Option("--forks", help="The query for repositories that share commits instead.")
    ] = False,
    dataset: Annotated[str, typer.Option(help="project.dataset of the tables.")] = PUBLIC_DATASET,
) -> None:
    """Print a query as BigQuery SQL."""
    from themis.mine.published import published_query
    from themis.mine.query import forks_query, mining_query

    if published:
        typer.echo(published_query(dataset))
    elif forks:
        typer.echo(forks_query(dataset))
    else:
        typer.echo(
            mining_query(
                licenses or list(LICENSES), language or MINED_LANGUAGES, min_message, max_message, dataset=dataset
            )
        )


def compare_queries(
    tables_dir: Annotated[Path, typer.Argument(metavar="TABLES_DIR", help="Folder of the tables.")],
    licenses: _Licenses = None,
    language: _Declared = None,
    min_message: _MinMessage = 10,
    max_message: _MaxMessage = 15000,
    threads: _Threads = None,
) -> None:
    """Print how the rows of the mining query differ from the published system's, and why."""
    from tabulate import tabulate

    from themis.mine.published import compare
    from themis.mine.warehouse import DuckDB

    found = compare(
        DuckDB(tables_dir, threads),
        tables_dir,
        licenses=licenses or list(LICENSES),
        languages=language or MINED_LANGUAGES,
        min_message=min_message,
        max_message=max_message,
    )
    typer.echo(tabulate(found, headers=["", "rows"], intfmt=","))


def build_allow_list(
    metadata: Annotated[
        Path,
        typer.Argument(help=".parquet, .csv or .jsonl file with columns repository, stars, contributors and issues."),
    ],
    out: Annotated[Path, typer.Argument(help="OUT.json for one list, or a folder for one per column language.")],
    min_stars: Annotated[int, typer.Option(min=0, help="A repository has at least as many.")] = 15,
    min_contributors: Annotated[int, typer.Option(min=0, help="A repository has at least as many.")] = 5,
    min_issues: Annotated[int, typer.Option(min=0, help="A repository has at least as many.")] = 10,
) -> None:
    """Build an allow list from metadata of repositories, and print how many were left out and why."""
    from themis.mine import allow_list

    _show(
        allow_list.build_allow_list(
            metadata, out, min_stars=min_stars, min_contributors=min_contributors, min_issues=min_issues
        )
    )


def ghtorrent_merges(
    dump: Annotated[Path, typer.Argument(metavar="DUMP_DIR", help="Folder with GHTorrent's tables, CSV or Parquet.")],
    out: Annotated[Path, typer.Argument(help="Table of merges to write.")],
    mined: Annotated[Path, typer.Option(help="Mined table; only its commits are looked for.")],
    ledger: _LedgerPath,
    threads: Annotated[int, typer.Option(min=1, help="Threads of DuckDB.")] = 2,
) -> None:
    """Find the mined commits that belong to merged pull requests."""
    from themis.mine import ghtorrent

    _show(ghtorrent.ghtorrent_merges(dump, mined, out, ledger, threads))


def select(
    mined: Annotated[Path, typer.Argument(help="Mined table.")],
    out: Annotated[Path, typer.Argument(help="Selected table to write.")],
    forks: Annotated[Path, typer.Option(help="Table of repositories that share commits.")],
    language: Annotated[list[str], typer.Option(help="Language kept.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")],
    ledger: _LedgerPath,
    merges: Annotated[Path | None, typer.Option(help="Table that says which commits were merged and reverted.")] = None,
    allow_list: Annotated[
        list[Path] | None,
        typer.Option(help="JSON file of owner/name lists, or a folder of them; none: every repository."),
    ] = None,
    train_since: Annotated[datetime | None, _Since] = None,
    train_until: Annotated[datetime | None, _Until] = None,
    benchmark_since: Annotated[datetime | None, _Since] = None,
    benchmark_until: Annotated[datetime | None, _Until] = None,
    benchmark_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of repositories fit for both splits that go to the benchmark.")
    ] = 0.25,
    require_merged: Annotated[bool, typer.Option(help="Only what reached the main line and was not reverted.")] = True,
    require_request: Annotated[
        bool, typer.Option(help="Only what came in by a merge, a squash merge or a pull request.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of DuckDB.")] = 2,
) -> None:
    """Select mined commits and split them by repository."""
    from themis.mine.select import Window, select

    def day(moment: datetime | None) -> date | None:
        return moment.date() if moment else None

    select(
        mined,
        forks,
        merges,
        out,
        ledger,
        allow_lists=allow_list or [],
        languages=language,
        train=Window(day(train_since), day(train_until)),
        benchmark=Window(day(benchmark_since), day(benchmark_until)),
        benchmark_share=benchmark_share,
        require_merged=require_merged,
        require_request=require_request,
        seed=seed,
        threads=threads,
    )


def _show(account: Ledger) -> None:
    """Print what a ledger counts."""
    for row in account.table().to_pylist():
        scope = "" if row["scope"] == "all" else f" ({row['scope']})"
        typer.echo(f"{row['rows_kept']:,} of {row['rows_in']:,} kept; {row['rows_dropped']:,} {row['reason']}{scope}")
