"""Commands of the llm stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from themis.cli.model_options import with_model
from themis.llm.model import Model, Sampling

Name = Annotated[str, typer.Option(help="The model's name in the table.")]
Shard = Annotated[int, typer.Option(min=0, help="Part to work on, from 0.")]
Shards = Annotated[int, typer.Option(min=1, help="Parts the work is split into.")]
Labelled = Annotated[Path, typer.Argument(help="Labelled pairs.")]
Accepted = Annotated[Path, typer.Argument(help="Pairs the reviewers accept.")]
Out = Annotated[Path, typer.Argument(help="Table to write.")]
Metrics = Annotated[Path, typer.Option(help="Table of numbers about it to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("prepare-model")(prepare_model)
    app.command("review")(review)
    app.command("consensus")(consensus)
    app.command("instruct")(instruct)
    app.command("instruct-metrics")(instruct_metrics)
    app.command("judge")(judge)
    app.command("decide")(decide)
    app.command("recover")(recover)


def prepare_model(
    out_dir: Annotated[Path, typer.Argument(help="Checkpoint folder to make.")],
    package: Annotated[str | None, typer.Option(help="Installed Python package that carries a GGUF file.")] = None,
    file: Annotated[str | None, typer.Option(help="Name of that file.")] = None,
    hub: Annotated[str | None, typer.Option(help="Hub id.")] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of the hub repository.")] = None,
    path: Annotated[Path | None, typer.Option(help="Folder with a Hugging Face checkpoint.")] = None,
    needs_template: Annotated[
        bool, typer.Option("--needs-template/--no-needs-template", help="Refuse a tokenizer without a chat template.")
    ] = True,
    code: Annotated[bool, typer.Option("--code/--no-code", help="Take the model's Python files along.")] = False,
) -> None:
    """Make a language model a plain Hugging Face folder with safetensors."""
    from themis.generation.weights import prepare

    prepare(
        out_dir,
        package=package,
        file=file,
        hub=hub,
        revision=revision,
        path=path,
        needs_template=needs_template,
        code=code,
    )


@with_model
def review(
    labelled: Labelled,
    out: Out,
    *,
    model: Model,
    sampling: Sampling,
    name: Name,
    samples: Annotated[int, typer.Option(min=1, help="Ratings per pair.")] = 1,
    answer: Annotated[
        Literal["digits", "text"], typer.Option(help="The digits' probabilities, or a text with a rating at its end.")
    ] = "digits",
    context_lines: Annotated[
        int | None, typer.Option(min=0, help="Lines shown around each changed one; none: every line.")
    ] = None,
    instructions: Annotated[
        Path | None, typer.Option(help="Instructions; a pair that has one is rated by what was asked for.")
    ] = None,
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """Rate from 1 to 5 how much each commit improves its criterion."""
    from themis.llm.steps import write_reviews

    write_reviews(
        labelled,
        out,
        model,
        name,
        samples=samples,
        answer=answer,
        context_lines=context_lines,
        instructions=instructions,
        sampling=sampling,
        shard=shard,
        shards=shards,
    )


def consensus(
    labelled: Labelled,
    out: Out,
    reviews: Annotated[list[Path], typer.Option(help="Table of ratings; repeat for more.")],
    ledger: Annotated[Path, typer.Option(help="Attrition ledger to write.")],
    metrics: Metrics,
    min_rating: Annotated[float, typer.Option(min=1, max=5, help="Pairs rated lower are dropped.")] = 3.0,
    policy: Annotated[
        Literal["mean", "trimmed", "all", "at_least"], typer.Option(help="What must reach the rating.")
    ] = "mean",
    min_reviewers: Annotated[int, typer.Option(min=1, help="Pairs that fewer reviewers rated are dropped.")] = 1,
    at_least: Annotated[int, typer.Option(min=1, help="Policy at_least: reviewers who must rate so high.")] = 1,
    trim: Annotated[float, typer.Option(min=0, help="Policy trimmed: share left out at either end.")] = 0.2,
) -> None:
    """Keep the pairs that the reviewers rate high enough."""
    from themis.llm.steps import write_consensus

    write_consensus(
        labelled,
        out,
        reviews,
        ledger=ledger,
        metrics=metrics,
        min_rating=min_rating,
        policy=policy,
        min_reviewers=min_reviewers,
        at_least=at_least,
        trim=trim,
    )


@with_model
def instruct(
    accepted: Accepted,
    out: Out,
    *,
    model: Model,
    sampling: Sampling,
    name: Name,
    sees: Annotated[Literal["both", "new"], typer.Option(help="Both versions, or the new one alone.")] = "both",
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """Write an instruction for each pair, back from its code."""
    from themis.llm.steps import write_instructions

    write_instructions(accepted, out, model, name, sees=sees, sampling=sampling, shard=shard, shards=shards)


def instruct_metrics(
    out: Out, instructions: Annotated[Path, typer.Option(help="Table of instructions.")]
) -> None:  # fmt: skip
    """Write how many instructions there are, and why others are not."""
    from themis.llm.steps import write_instruct_metrics

    write_instruct_metrics(out, instructions)


@with_model
def judge(
    accepted: Accepted,
    instructions: Annotated[Path, typer.Argument(help="Instructions of the pairs.")],
    out: Out,
    *,
    model: Model,
    sampling: Sampling,
    name: Name,
    votes: Annotated[int, typer.Option(min=2, help="Votes per pair, half in each order.")] = 2,
    answer: Annotated[
        Literal["options", "text"],
        typer.Option(help="Probabilities of A, B and TIE, or a text with the vote at its end."),
    ] = "options",
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """Vote on each training pair, A, B or TIE, in both orders."""
    from themis.llm.steps import write_judgements

    write_judgements(
        accepted,
        instructions,
        out,
        model,
        name,
        votes=votes,
        answer=answer,
        sampling=sampling,
        shard=shard,
        shards=shards,
    )


def decide(
    accepted: Accepted,
    out: Out,
    judgements: Annotated[list[Path], typer.Option(help="Table of votes; repeat for more.")],
    metrics: Metrics,
    rule: Annotated[Literal["lean", "majority", "unanimous"], typer.Option(help="What decides.")] = "lean",
    margin: Annotated[float, typer.Option(min=0, max=1, help="Rule lean: a smaller lean is a tie.")] = 0.0,
) -> None:
    """Decide by the votes of all judges which side of each pair is better."""
    from themis.llm.steps import write_decisions

    write_decisions(accepted, out, judgements, metrics=metrics, rule=rule, margin=margin)


@with_model
def recover(
    collection: Annotated[Path, typer.Argument(help="Collection of pairs.")],
    out: Out,
    *,
    model: Model,
    sampling: Sampling,
    metrics: Metrics,
    shard: Shard = 0,
    shards: Shards = 1,
) -> None:
    """State the problem that the programs of a collection solve, where their pairs have no prompt."""
    from themis.llm.steps import write_recovered

    write_recovered(collection, out, model, metrics=metrics, sampling=sampling, shard=shard, shards=shards)
