"""Commands of the aspects stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("train-aspects")(train_aspects)
    app.command("label-aspects")(label_aspects)


def train_aspects(
    deduplicated: Annotated[Path, typer.Argument(help="Deduplicated commits; the kept training rows are read.")],
    classifiers: Annotated[Path, typer.Argument(help="Folder of the classifiers, one per criterion.")],
    metrics: Annotated[Path, typer.Option(help="Table of precision, recall and average precision.")],
    base: Annotated[
        str | None, typer.Option(help="Hub id or folder of a ModernBERT; none: a small one from scratch.")
    ] = None,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the small one.")] = 2,
    width: Annotated[int, typer.Option(min=8, help="Hidden width of the small one.")] = 96,
    max_tokens: Annotated[int, typer.Option(min=8, help="Tokens of message and change summary that are read.")] = 128,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the seeds.")] = 4,
    batch_size: Annotated[int, typer.Option(min=1, help="Messages per step.")] = 32,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1e-3,
    held_out: Annotated[float, typer.Option(min=0, max=1, help="Share of the seeds kept for the metrics.")] = 0.2,
    max_seeds: Annotated[int, typer.Option(min=1, help="Seeds per criterion at most.")] = 4000,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Probability at which precision is taken.")] = 0.5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 77,
) -> None:
    """Train one ModernBERT classifier per criterion on commits that search terms find."""
    from themis.aspects.classifier import Schedule
    from themis.aspects.training import Shape, train_aspects

    train_aspects(
        deduplicated,
        classifiers,
        metrics,
        shape=Shape(base, layers, width, max_tokens),
        schedule=Schedule(epochs, batch_size, learning_rate),
        held_out=held_out,
        max_seeds=max_seeds,
        threshold=threshold,
        threads=threads,
        seed=seed,
    )


def label_aspects(
    deduplicated: Annotated[Path, typer.Argument(help="Deduplicated commits; the kept rows are labelled.")],
    classifiers: Annotated[Path, typer.Argument(help="Folder that train-aspects wrote.")],
    out: Annotated[Path, typer.Argument(help="Labelled commits.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of the stage.")],
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Probability from which a criterion is given.")] = 0.5,
    max_train_rows: Annotated[int | None, typer.Option(min=1, help="Cap on training rows.")] = None,
    max_benchmark_rows: Annotated[int | None, typer.Option(min=1, help="Cap on benchmark rows.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 77,
) -> None:
    """Label each kept commit with the criterion it improves; cap the rows evenly over criteria and languages."""
    from themis.aspects.label import label_aspects

    label_aspects(
        deduplicated,
        classifiers,
        out,
        ledger,
        threshold=threshold,
        caps={"train": max_train_rows, "benchmark": max_benchmark_rows},
        threads=threads,
        seed=seed,
    )
