"""Commands of the score stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("score")(score)
    app.command("gather-score-shards")(gather_score_shards)
    app.command("gather-scores")(gather_scores)
    app.command("fetch-runs")(fetch_runs)
    app.command("import-runs")(import_runs)


def score(
    benchmark: Annotated[Path, typer.Argument(help="Benchmark table; its file name is the benchmark's name.")],
    out: Annotated[Path, typer.Argument(help="Scores, one row per pair; a manifest .json is written beside it.")],
    name: Annotated[str, typer.Option(help="Name of the model in every table and figure.")],
    family: Annotated[str, typer.Option(help="How the model yields a score, such as sequence_classifier or length.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of pairs scored and missing.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Folder of the model; none for baselines.")] = None,
    hub: Annotated[str | None, typer.Option(help="Hub id the folder is from, for the manifest.")] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of the hub repository, for the manifest.")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code/--no-trust-remote-code", help="Run the code of the checkpoint.")
    ] = False,
    prompt_mode: Annotated[
        str, typer.Option(help="System prompt: none, criterion, wrong, all, or criteria joined by +.")
    ] = "criterion",
    max_tokens: Annotated[int, typer.Option(min=16, help="Longest prompt and response.")] = 4096,
    truncation: Annotated[
        Literal["refuse", "tail", "difference"],
        typer.Option(help="Of a longer pair: refuse it, keep the end, or first cut lines that both responses have."),
    ] = "refuse",
    protocol: Annotated[
        Literal["exact", "published"],
        typer.Option(help="Token ids of the template, or as the published runs had them."),
    ] = "exact",
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens per forward pass.")] = 2048,
    dtype: Annotated[str, typer.Option(help="Compute type: float32 or bfloat16.")] = "float32",
    share_prefix: Annotated[
        bool, typer.Option("--share-prefix/--no-share-prefix", help="Compute what both conversations share once.")
    ] = True,
    scoring: Annotated[
        Literal["parsed", "expected"] | None, typer.Option(help="Of a model that writes; none: as its family does.")
    ] = None,
    reply_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest reply of a model that writes; none: as its family has it.")
    ] = None,
    backend: Annotated[
        Literal["transformers", "vllm", "openai"],
        typer.Option(help="What runs it; vllm and openai models that write, vllm sequence classifiers too."),
    ] = "transformers",
    settings: Annotated[str | None, typer.Option(help="Settings of the back end as in the study, JSON.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random and the untrained baseline.")] = 77,
    cache: Annotated[Path | None, typer.Option(help="Results so far; a stopped run goes on from it.")] = None,
    shard: Annotated[int, typer.Option(min=0, help="Which shard, from 0.")] = 0,
    shards: Annotated[int, typer.Option(min=1, help="Of how many; a pair's id decides its shard.")] = 1,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing/--no-allow-missing", help="Write the table even if pairs have no score.")
    ] = False,
) -> None:
    """Score the pairs of a benchmark, or those of one shard, with one model."""
    from themis.score.runner import score as run

    run(
        benchmark,
        out,
        ledger,
        name=name,
        family=family,
        checkpoint=checkpoint,
        hub=hub,
        revision=revision,
        trust_remote_code=trust_remote_code,
        prompt_mode=prompt_mode,
        max_tokens=max_tokens,
        truncation=truncation,
        protocol=protocol,
        batch_tokens=batch_tokens,
        dtype=dtype,
        share_prefix=share_prefix,
        scoring=scoring,
        reply_tokens=reply_tokens,
        backend=backend,
        settings=settings,
        threads=threads,
        seed=seed,
        cache=cache,
        shard=shard,
        shards=shards,
        allow_missing=allow_missing,
    )


def gather_score_shards(
    benchmark: Annotated[Path, typer.Argument(help="Benchmark table that was scored.")],
    out: Annotated[Path, typer.Argument(help="Scores of all pairs; a manifest .json is written beside it.")],
    shards: Annotated[list[Path], typer.Argument(help="Scores of each shard, their manifests beside them.")],
) -> None:
    """Join the shards of one model's scores."""
    from themis.score.gather import gather_shards as run

    run(benchmark, shards, out)


def gather_scores(
    out: Annotated[Path, typer.Argument(help="Rows of all models.")],
    scores: Annotated[
        list[Path],
        typer.Argument(
            help="Score tables, a model each, in the order wanted; or folders of them, in the registry's order."
        ),
    ],
) -> None:
    """Join the scores of all models on one benchmark."""
    from themis.score.gather import gather_scores as run

    run(scores, out)


def fetch_runs(
    source: Annotated[str, typer.Argument(help="https://...#sha256=<hex>: a .zip or tar archive of runs.")],
    out: Annotated[Path, typer.Argument(help="Folder of a folder per run.")],
) -> None:
    """Fetch an archive of runs scored elsewhere and unpack their score files."""
    from themis.score.run_archive import fetch_runs as run

    run(source, out)


def import_runs(
    source: Annotated[Path, typer.Argument(help="Folder of runs: <model>/scores.parquet or .csv, and results.json.")],
    out: Annotated[Path, typer.Argument(help="Folder of score tables, one per sound run.")],
    findings: Annotated[Path, typer.Option(help="What is wrong or odd about each run.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of pairs scored and missing.")],
    name: Annotated[str, typer.Option(help="Name of the benchmark they were scored on.")],
    benchmark: Annotated[
        Path | None, typer.Option(help="Its table, where there is one; else most runs decide.")
    ] = None,
) -> None:
    """Import runs scored elsewhere; a faulty run is named and left out."""
    from themis.score.imported import import_runs as run

    run(source, out, findings, ledger, name=name, benchmark=benchmark)
