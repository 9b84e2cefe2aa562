"""Commands of the train stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("train")(train)


def train(
    preferences: Annotated[Path, typer.Argument(help="Preference pairs to train on.")],
    export_dir: Annotated[Path, typer.Argument(help="Folder of the exported sequence classifier.")],
    base: Annotated[Path, typer.Option(help="Folder of a causal language model, or of an earlier stage's export.")],
    checkpoints: Annotated[Path, typer.Option(help="Folder of resumable checkpoints; emptied at the end.")],
    metrics: Annotated[Path, typer.Option(help="Table of the metrics of every step.")],
    ledger: Annotated[Path, typer.Option(help="Table of rows kept and dropped.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    stage: Annotated[str, typer.Option(help="Name of the stage.")],
    epochs: Annotated[int, typer.Option(help="Passes over the pairs.")],
    batch_pairs: Annotated[int, typer.Option(help="Pairs per optimiser step, over all processes.")],
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")],
    final_learning_rate: Annotated[float, typer.Option(help="Learning rate at the last step.")],
    warmup: Annotated[float, typer.Option(help="Share of the steps with a rising rate.")],
    clip: Annotated[float, typer.Option(help="Largest norm of the gradient.")],
    weight_decay: Annotated[float, typer.Option(help="On weight matrices only.")],
    lm_weight: Annotated[float, typer.Option(help="Weight of the language-model loss on the chosen response.")],
    magnitude_weight: Annotated[float, typer.Option(help="Weight of the magnitude term.")],
    magnitude: Annotated[str, typer.Option(help="centering, absolute or none.")],
    max_tokens: Annotated[int, typer.Option(help="Tokens of a packed pair at most; a longer pair is dropped.")],
    batch_tokens: Annotated[int, typer.Option(help="Tokens per forward pass and process.")],
    frozen_layers: Annotated[int, typer.Option(help="Lowest layers that keep their weights, with the embeddings.")],
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")],
    seed: Annotated[int, typer.Option(help="Seed of the order of the pairs.")],
    processes: Annotated[int, typer.Option(help="Processes that share the work.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of each process.")] = 1,
    head_learning_rate: Annotated[float | None, typer.Option(help="Peak rate of the head; none: the same.")] = None,
) -> None:
    """Train one stage of the reward model and export it; the same command goes on where it was stopped.

    SIGTERM or SIGUSR1 saves a checkpoint and ends with status 143.
    """
    import os

    from themis.errors import Problem
    from themis.train.options import Options

    options = Options(
        preferences=preferences,
        export=export_dir,
        base=base,
        checkpoints=checkpoints,
        metrics=metrics,
        ledger=ledger,
        name=name,
        stage=stage,
        epochs=epochs,
        batch_pairs=batch_pairs,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        head_learning_rate=head_learning_rate,
        warmup=warmup,
        clip=clip,
        weight_decay=weight_decay,
        lm_weight=lm_weight,
        magnitude_weight=magnitude_weight,
        magnitude=magnitude,
        max_tokens=max_tokens,
        batch_tokens=batch_tokens,
        frozen_layers=frozen_layers,
        checkpoint_every=checkpoint_every,
        processes=processes,
        threads=threads,
        seed=seed,
    )
    if processes > 1 and "RANK" not in os.environ:
        from themis.train.launch import launch as run
    else:
        from themis.train.train import train as run
    try:
        complete = run(options)
    except Problem:
        if os.environ.get("RANK", "0") != "0":  # the first process says it for all
            raise typer.Exit(1) from None
        raise
    if not complete:
        raise typer.Exit(143)
