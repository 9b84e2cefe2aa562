"""Commands of public benchmarks: fetch, build, and measure every model on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("fetch-benchmark")(fetch_benchmark)
    app.command("public-benchmark")(public_benchmark)
    app.command("measure-benchmarks")(measure_benchmarks)


def fetch_benchmark(
    out: Annotated[Path, typer.Argument(help="Folder of the files; it appears when all are there.")],
    file: Annotated[list[str], typer.Option(help="NAME=URL#sha256=<digest>; repeat it for each file.")],
) -> None:
    """Fetch the files of a benchmark, each checked against its digest."""
    from themis.preferences.benchmarks.fetch import fetch_benchmark as run

    run(file, out)


def public_benchmark(
    name: Annotated[str, typer.Argument(help="Name of the benchmark.")],
    out: Annotated[Path, typer.Argument(help="Benchmark; its file name is the name in every table of scores.")],
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            help="humanevalpack, debugbench, nofuneval, rewardbench, rewardbench2, judgebench, rmbench, or pairs: a table "
            "with prompt, chosen, rejected, and aspect, language, subset, id where there are such.",
        ),
    ],
    ledger: Annotated[Path, typer.Option(help="Attrition ledger.")],
    path: Annotated[Path | None, typer.Option(help="File or folder at hand; without it the hub is asked.")] = None,
    hub: Annotated[str | None, typer.Option(help="Hub id, if not the format's own.")] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of the hub repository.")] = None,
    config: Annotated[str | None, typer.Option(help="Configuration of the hub data set.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Split, if not the format's own; repeatable.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="PART=COLUMN, where a column has another name; repeatable.")
    ] = None,
    aspect: Annotated[str, typer.Option(help="Criterion of pairs that name none.")] = "helpfulness",
    sample: Annotated[int | None, typer.Option(min=1, help="Pairs taken at most; a hash picks.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 77,
) -> None:
    """Build a benchmark from public files or a table of your own, and print its pairs by subset and language."""
    from themis.preferences.benchmarks.build import print_counts
    from themis.preferences.benchmarks.build import public_benchmark as run
    from themis.preferences.benchmarks.source import Place, columns_of

    place = Place(path, hub, revision, config, tuple(split or ()), columns_of(column or []))
    table = run(
        place, out, name=name, format_name=format_name, aspect=aspect, sample=sample, seed=seed, ledger=ledger
    )  # fmt: skip
    print_counts(table)


def measure_benchmarks(
    scores: Annotated[list[Path], typer.Argument(help="Scores, a table per model and benchmark.")],
    out: Annotated[Path, typer.Option(help="Accuracy of every model on every benchmark.")],
    benchmark: Annotated[list[Path], typer.Option(help="Benchmark that models were scored on; repeatable.")],
    csv: Annotated[Path | None, typer.Option(help="The same as CSV.")] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Draws of every bootstrap.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Measure models on public benchmarks: by each one's own rule, by language and subset, and with length held level."""
    from themis.analysis.benchmarks import measure_benchmarks as run
    from themis.analysis.benchmarks import print_benchmarks

    print_benchmarks(run(benchmark, scores, out, csv=csv, resamples=resamples, seed=seed))
