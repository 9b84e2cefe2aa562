"""Commands of the llm stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelFolder = Annotated[Path, typer.Option(help="Checkpoint folder of the language model.")]
Name = Annotated[str, typer.Option(help="Its name in the table.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
Shard = Annotated[int, typer.Option(min=0, help="Part to work on, from 0.")]
Shards = Annotated[int, typer.Option(min=1, help="Parts the work is split into.")]
Cache = Annotated[Path | None, typer.Option(help="JSONL file that keeps the answers; a stopped run goes on from it.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
Dtype = Annotated[str, typer.Option(help="float32 or bfloat16.")]
BatchTokens = Annotated[int, typer.Option(min=1, help="Tokens of a batch, prompt and reply, at most.")]
Labelled = Annotated[Path, typer.Argument(help="Labelled pairs.")]
Accepted = Annotated[Path, typer.Argument(help="Pairs the reviewers accept.")]
Out = Annotated[Path, typer.Argument(help="Table to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("prepare-model")(prepare_model)
    app.command("review")(review)
    app.command("consensus")(consensus)
    app.command("instruct")(instruct)
    app.command("judge")(judge)
    app.command("judge-metrics")(judge_metrics)


def prepare_model(
    out_dir: Annotated[Path, typer.Argument(help="Checkpoint folder to make.")],
    package: Annotated[str | None, typer.Option(help="Installed Python package that carries a GGUF file.")] = None,
    file: Annotated[str | None, typer.Option(help="Name of that file.")] = None,
    hub: Annotated[str | None, typer.Option(help="Hub id.")] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of the hub repository.")] = None,
    path: Annotated[Path | None, typer.Option(help="Folder with a Hugging Face checkpoint.")] = None,
) -> None:
    """Make a language model a plain Hugging Face folder with safetensors."""
    from themis.generation.weights import prepare

    prepare(out_dir, package=package, file=file, hub=hub, revision=revision, path=path)


def review(
    labelled: Labelled,
    out: Out,
    model: ModelFolder,
    name: Name,
    samples: Annotated[int, typer.Option(min=1, help="Ratings per pair.")] = 1,
    seed: Seed = 0,
    shard: Shard = 0,
    shards: Shards = 1,
    cache: Cache = None,
    threads: Threads = 1,
    dtype: Dtype = "float32",
    batch_tokens: BatchTokens = 2048,
) -> None:
    """Rate from 1 to 5 how much each commit improves its criterion."""
    from themis.llm.steps import Model, write_reviews

    reviewer = Model(model, cache, threads, dtype, batch_tokens)
    write_reviews(labelled, out, reviewer, name, samples=samples, seed=seed, shard=shard, shards=shards)


def consensus(
    labelled: Labelled,
    out: Out,
    reviews: Annotated[list[Path], typer.Option(help="Table of ratings; repeat for more.")],
    ledger: Annotated[Path, typer.Option(help="Attrition ledger to write.")],
    metrics: Annotated[Path, typer.Option(help="How far the reviewers agree.")],
    min_rating: Annotated[float, typer.Option(min=1, max=5, help="Pairs rated lower are dropped.")] = 3.0,
    policy: Annotated[str, typer.Option(help="mean or all.")] = "mean",
) -> None:
    """Keep the pairs that the reviewers rate high enough."""
    from themis.llm.steps import write_consensus

    write_consensus(labelled, out, reviews, min_rating=min_rating, policy=policy, ledger=ledger, metrics=metrics)


def instruct(
    accepted: Accepted,
    out: Out,
    model: ModelFolder,
    name: Name,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Length of an instruction at most.")] = 48,
    temperature: Annotated[float, typer.Option(min=0, help="0: greedy.")] = 0.0,
    seed: Seed = 0,
    shard: Shard = 0,
    shards: Shards = 1,
    cache: Cache = None,
    threads: Threads = 1,
    dtype: Dtype = "float32",
    batch_tokens: BatchTokens = 2048,
) -> None:
    """Write an instruction for each pair, back from its code."""
    from themis.llm.steps import Model, write_instructions

    write_instructions(
        accepted,
        out,
        Model(model, cache, threads, dtype, batch_tokens),
        name,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        shard=shard,
        shards=shards,
    )


def judge(
    accepted: Accepted,
    instructions: Annotated[Path, typer.Argument(help="Instructions of the pairs.")],
    out: Out,
    model: ModelFolder,
    name: Name,
    votes: Annotated[int, typer.Option(min=2, help="Votes per pair, half in each order.")] = 2,
    seed: Seed = 0,
    shard: Shard = 0,
    shards: Shards = 1,
    cache: Cache = None,
    threads: Threads = 1,
    dtype: Dtype = "float32",
    batch_tokens: BatchTokens = 2048,
) -> None:
    """Vote on each training pair, A, B or TIE, in both orders."""
    from themis.llm.steps import Model, write_judgements

    judge_model = Model(model, cache, threads, dtype, batch_tokens)
    write_judgements(
        accepted, instructions, out, judge_model, name, votes=votes, seed=seed, shard=shard, shards=shards
    )  # fmt: skip


def judge_metrics(
    out: Out, judgements: Annotated[list[Path], typer.Option(help="Table of votes; repeat for more.")]
) -> None:
    """Write each judge's position bias and how far its two orders agree."""
    from themis.llm.steps import write_judge_metrics

    write_judge_metrics(out, judgements)
