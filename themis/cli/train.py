"""Commands of the train stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("train")(train)
    app.command("merge-models")(merge_models)


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
    schedule: Annotated[str, typer.Option(help="cosine or wsd.")] = "cosine",
    stable: Annotated[float, typer.Option(help="Share of the steps at the peak rate (wsd).")] = 0.7,
    margin: Annotated[float, typer.Option(help="By how much the chosen reward must lead.")] = 0.0,
    label_smoothing: Annotated[float, typer.Option(help="Probability that a label is wrong.")] = 0.0,
    nodes: Annotated[int, typer.Option(help="Machines that share the work.")] = 1,
    replicas: Annotated[int, typer.Option(help="Copies of the sharded model.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    share_prefix: Annotated[bool, typer.Option(help="Compute what a pair's responses share once.")] = True,
    activation_checkpointing: Annotated[str, typer.Option(help="auto, on or off.")] = "auto",
    offload: Annotated[bool, typer.Option(help="Keep weights in host memory between uses.")] = False,
    compile_blocks: Annotated[bool, typer.Option("--compile/--no-compile", help="Compile the decoder blocks.")] = False,
    keep_checkpoints: Annotated[int, typer.Option(help="Checkpoints kept at a time.")] = 2,
    held_out: Annotated[float, typer.Option(help="Share of the pairs that only measures.")] = 0.0,
    evaluate_every: Annotated[int, typer.Option(help="Steps between evaluations.")] = 50,
    keep_best: Annotated[bool, typer.Option(help="Export the weights of the best evaluation.")] = False,
    tracker: Annotated[list[str] | None, typer.Option(help="tensorboard or wandb; repeat.")] = None,
    beta1: Annotated[float, typer.Option(help="AdamW's decay of the mean of gradients.")] = 0.9,
    beta2: Annotated[float, typer.Option(help="AdamW's decay of the mean of their squares.")] = 0.95,
    epsilon: Annotated[float, typer.Option(help="AdamW's epsilon.")] = 1e-8,
    criterion: Annotated[list[str] | None, typer.Option(help="Train on pairs of these only; none: all.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="Train on pairs in these only; none: all.")] = None,
    max_pairs: Annotated[int | None, typer.Option(help="Train on so many pairs at most; a hash picks.")] = None,
    system: Annotated[bool, typer.Option(help="Show the pairs with their system prompts, or without any.")] = True,
) -> None:
    """Train one stage of the reward model and export it; the same command goes on where it was stopped.

    SIGTERM or SIGUSR1 saves a checkpoint and ends with status 143.
    """
    import os

    from themis.errors import Problem
    from themis.train.launch import launch
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
        schedule=schedule,
        stable=stable,
        margin=margin,
        label_smoothing=label_smoothing,
        nodes=nodes,
        replicas=replicas,
        precision=precision,
        share_prefix=share_prefix,
        activation_checkpointing=activation_checkpointing,
        offload=offload,
        compile=compile_blocks,
        keep_checkpoints=keep_checkpoints,
        held_out=held_out,
        evaluate_every=evaluate_every,
        keep_best=keep_best,
        trackers=tuple(tracker or ()),
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        criteria=tuple(criterion or ()),
        languages=tuple(language or ()),
        max_pairs=max_pairs,
        system=system,
    )
    try:
        complete = launch(options)
    except Problem:
        if os.environ.get("RANK", "0") != "0":  # the first process says it for all
            raise typer.Exit(1) from None
        raise
    if not complete:
        raise typer.Exit(143)


def merge_models(
    export_dir: Annotated[Path, typer.Argument(help="Folder of the merged sequence classifier.")],
    exports: Annotated[list[Path], typer.Argument(help="Folders of the exports to merge.")],
    start: Annotated[Path, typer.Option(help="What all of them went on from: an export, or a causal language model.")],
    density: Annotated[float, typer.Option(help="Share of each tensor's changes that is kept.")] = 0.2,
    weight: Annotated[float, typer.Option(help="Factor of the merged change.")] = 1.0,
) -> None:
    """Merge exported reward models into one (TIES); nothing is trained."""
    from themis.train.merge import merge

    merge(exports, start, export_dir, density=density, weight=weight)
