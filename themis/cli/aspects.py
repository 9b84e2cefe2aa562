"""Commands of the aspects stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(min=0, help="Seed of every random choice.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("measure-terms")(measure_terms)
    app.command("train-aspects")(train_aspects)
    app.command("label-aspects")(label_aspects)
    app.command("gather-aspects")(gather_aspects)


def measure_terms(
    out: Annotated[Path, typer.Argument(help="Table of precision and recall per criterion.")],
    commits: Annotated[
        Path | None, typer.Option(help="Mined commits, for whole messages and what both lists reach; none: subjects.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="Folder of the published lists to compare with.")] = None,
) -> None:
    """Measure the search terms on commits that were read by eye, and beside the published lists."""
    from tabulate import tabulate

    from themis.aspects.term_quality import measure_terms

    rows = measure_terms(out, commits=commits, reference=reference).to_pylist()
    shown = [row for row in rows if row["half"] != "tuning"]
    typer.echo(tabulate(shown, headers="keys", floatfmt=".2f", missingval="-"))


def train_aspects(
    deduplicated: Annotated[Path, typer.Argument(help="Deduplicated commits; the kept training rows are read.")],
    classifiers: Annotated[Path, typer.Argument(help="Folder of the classifiers, one per criterion.")],
    metrics: Annotated[Path, typer.Option(help="Table of thresholds, precision, recall and calibration.")],
    curves: Annotated[Path, typer.Option(help="Table of precision and recall at every threshold.")],
    base: Annotated[
        str | None, typer.Option(help="Hub id or folder of a ModernBERT; none: a small one from scratch.")
    ] = None,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the small one.")] = 2,
    width: Annotated[int, typer.Option(min=8, help="Hidden width of the small one.")] = 96,
    max_tokens: Annotated[int, typer.Option(min=8, help="Tokens of message and change summary that are read.")] = 128,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the seeds.")] = 4,
    batch_size: Annotated[int, typer.Option(min=1, help="Messages per step.")] = 32,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1e-3,
    held_out: Annotated[float, typer.Option(min=0, max=1, help="Share of the seeds kept from training.")] = 0.2,
    max_seeds: Annotated[int, typer.Option(min=1, help="Seeds per criterion at most.")] = 4000,
    min_precision: Annotated[float, typer.Option(min=0, max=1, help="Precision a threshold must reach.")] = 0.5,
    threads: Threads = 1,
    seed: Seed = 77,
) -> None:
    """Train one ModernBERT classifier per criterion on commits that search terms find."""
    from themis.aspects.classifier import Schedule
    from themis.aspects.training import Shape, train_aspects

    train_aspects(
        deduplicated,
        classifiers,
        metrics,
        curves,
        shape=Shape(base, layers, width, max_tokens),
        schedule=Schedule(epochs, batch_size, learning_rate),
        held_out=held_out,
        max_seeds=max_seeds,
        min_precision=min_precision,
        threads=threads,
        seed=seed,
    )


def label_aspects(
    deduplicated: Annotated[Path, typer.Argument(help="Deduplicated commits; the kept rows are labelled.")],
    classifiers: Annotated[Path, typer.Argument(help="Folder that train-aspects wrote.")],
    out: Annotated[Path, typer.Argument(help="Criteria of the shard's commits.")],
    shard: Annotated[int, typer.Option(min=0, help="Which shard.")] = 0,
    shards: Annotated[int, typer.Option(min=1, help="How many shards there are.")] = 1,
    threads: Threads = 1,
    seed: Seed = 77,
) -> None:
    """Give each kept commit of a shard the criterion it improves."""
    from themis.aspects.label import label_aspects

    label_aspects(deduplicated, classifiers, out, shard=shard, shards=shards, threads=threads, seed=seed)


def gather_aspects(
    deduplicated: Annotated[Path, typer.Argument(help="Deduplicated commits.")],
    out: Annotated[Path, typer.Argument(help="Labelled commits.")],
    shards: Annotated[list[Path], typer.Argument(help="What label-aspects wrote, every shard.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of the stage.")],
    max_train_rows: Annotated[int | None, typer.Option(min=1, help="Cap on training rows.")] = None,
    max_benchmark_rows: Annotated[int | None, typer.Option(min=1, help="Cap on benchmark rows.")] = None,
    seed: Seed = 77,
) -> None:
    """Join the shards to the commits; cap the labelled rows evenly over criteria and languages."""
    from themis.aspects.gathering import gather_aspects

    caps = {"train": max_train_rows, "benchmark": max_benchmark_rows}
    gather_aspects(deduplicated, shards, out, ledger, caps=caps, seed=seed)
