"""Commands of re-ranking: the candidates of a problem, and their scores."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from themis.cli.model_options import with_model
from themis.cli.score import score
from themis.llm.model import Model, Sampling


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("rerank-set")(rerank_set)
    app.command("rerank")(rerank)


@with_model
def rerank_set(
    out: Annotated[Path, typer.Argument(help="Table of candidates to write.")],
    *,
    model: Model,
    sampling: Sampling,
    problems: Annotated[int, typer.Option(min=1, help="HumanEval problems.")],
    per_problem: Annotated[int, typer.Option(min=2, help="Different candidates of a problem at most.")],
    benchmark_problems: Annotated[int, typer.Option(min=0, help="HumanEval problems of the benchmark.")],
    general_problems: Annotated[int, typer.Option(min=0, help="HumanEval problems of the general set: not taken.")],
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of one test run.")],
    memory_mb: Annotated[int, typer.Option(min=64, help="Memory of one test run, MiB.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of problems and candidates.")],
    tallies: Annotated[Path | None, typer.Option(help="Outcomes so far; a stopped run goes on from them.")] = None,
    name: Annotated[str, typer.Option(help="The language model's name in the table; none: no samples.")] = "",
    samples: Annotated[int, typer.Option(min=1, help="Solutions of a problem that it is asked for.")] = 8,
) -> None:
    """Make candidate solutions of HumanEval problems and run them against the problems' tests."""
    from themis.preferences.rerank_set import Samples
    from themis.preferences.rerank_set import rerank_set as run
    from themis.records import Ledger, write

    counts = Ledger("rerank-set")
    asked = None
    if name:
        asked = Samples(model.generator(), name, samples, sampling.max_new_tokens, sampling.temperature, sampling.top_p)
    table = run(
        problems=problems,
        candidates=per_problem,
        benchmark_problems=benchmark_problems,
        general_problems=general_problems,
        timeout_s=timeout,
        memory_mb=memory_mb,
        seed=sampling.seed,
        ledger=counts,
        samples=asked,
        cache=tallies,
    )
    inputs = model.weights() if name else []
    write(table, out, "rerank_set", inputs=inputs, seed=sampling.seed)
    counts.write(ledger, inputs=inputs)


def _with_scoring(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `themis score` that say which model scores and how, in place of `scoring`."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(scoring={option.name: given.pop(option.name) for option in options}, **given)

    options = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in inspect.signature(score, eval_str=True).parameters.values()
        if one.name not in ("benchmark", "out", "ledger", "shard", "shards", "allow_missing")
    ]
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.name != "scoring"]
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in [*own, *options]}
    return run


@_with_scoring
def rerank(
    candidates: Annotated[Path, typer.Argument(help="Table of candidates.")],
    out: Annotated[Path, typer.Argument(help="Scores, one row per candidate; a manifest .json is written beside it.")],
    *,
    scoring: dict[str, Any],
    ledger: Annotated[Path, typer.Option(help="Ledger of candidates scored and missing.")],
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing/--no-allow-missing", help="Rank those without a score last.")
    ] = False,
) -> None:
    """Score every candidate of a re-ranking set with one model."""
    from themis.score.rerank import rerank as run

    run(candidates, out, ledger, allow_missing=allow_missing, **scoring)
