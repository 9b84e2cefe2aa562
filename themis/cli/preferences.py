"""Commands of the preferences stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Accepted = Annotated[Path, typer.Argument(help="Labelled commits that the reviewers accepted.")]
Instructions = Annotated[Path, typer.Argument(help="Instruction per commit.")]
Benchmark = Annotated[Path, typer.Option(help="The benchmark no pair may overlap.")]
Tokenizer = Annotated[Path, typer.Option(help="Checkpoint folder whose chat template counts tokens.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Prompt and longer response, at most.")]
MinDepth = Annotated[int, typer.Option(min=0, help="Levels of the syntax tree, at least.")]
Words = Annotated[int, typer.Option(min=1, help="Length of a shared run of words that counts as overlap.")]
Near = Annotated[float, typer.Option(min=0, max=1, help="Jaccard similarity of near-duplicates.")]
ShareNone = Annotated[float, typer.Option(min=0, max=1, help="Share shown without a system prompt.")]
ShareAll = Annotated[float, typer.Option(min=0, max=1, help="Share shown all criteria, shuffled.")]
ShareSingle = Annotated[float, typer.Option(min=0, max=1, help="Share shown the pair's own criterion.")]
MaxPairs = Annotated[int | None, typer.Option(min=1, help="Cap on the set; a hash picks.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="Attrition ledger.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("build-benchmark")(build_benchmark)
    app.command("assemble-code")(assemble_code)
    app.command("assemble-general")(assemble_general)


def build_benchmark(
    accepted: Accepted,
    instructions: Instructions,
    out: Annotated[Path, typer.Argument(help="Benchmark.")],
    tokenizer: Tokenizer,
    max_tokens: MaxTokens,
    humaneval_problems: Annotated[int, typer.Option(min=0, help="HumanEval problems that become pairs.")],
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds of one test run.")],
    memory_mb: Annotated[int, typer.Option(min=64, help="Memory of one test run, MiB.")],
    seed: Seed,
    ledger: LedgerPath,
    metrics: Annotated[Path, typer.Option(help="Counts of mutants.")],
    folder: Annotated[
        Path | None, typer.Option(help="Folder with humanevalpack/, debugbench/, nofuneval/ to add pairs from.")
    ] = None,
    folder_pairs: Annotated[int, typer.Option(min=0, help="Pairs taken per subset of that folder.")] = 0,
) -> None:
    """Build the code benchmark."""
    from themis.preferences import benchmark
    from themis.prompting.chat import Chat
    from themis.records import Ledger, read, write

    counts = Ledger("benchmark")
    table, numbers = benchmark.build_benchmark(
        read(accepted, "labelled"),
        read(instructions, "instructions"),
        Chat.load(tokenizer),
        max_tokens=max_tokens,
        humaneval_problems=humaneval_problems,
        timeout_s=timeout,
        memory_mb=memory_mb,
        folder=folder,
        pairs_per_subset=folder_pairs,
        seed=seed,
        ledger=counts,
    )
    inputs = [accepted, instructions]
    write(table, out, "benchmark", inputs=inputs, seed=seed)
    write(numbers, metrics, "metrics", inputs=inputs, seed=seed)
    counts.write(ledger, inputs=inputs)


def assemble_code(
    accepted: Accepted,
    instructions: Instructions,
    out: Annotated[Path, typer.Argument(help="Code training set.")],
    judgements: Annotated[list[Path], typer.Option(help="Votes of a judge; once per judge.")],
    benchmark: Benchmark,
    tokenizer: Tokenizer,
    max_tokens: MaxTokens,
    min_syntax_depth: MinDepth,
    overlap_words: Words,
    near_duplicate: Near,
    margin: Annotated[float, typer.Option(min=0, max=1, help="Lead by which a side must be favoured.")],
    require: Annotated[str, typer.Option(help="confirmed or not_contradicted.")],
    share_none: ShareNone,
    share_all: ShareAll,
    share_single: ShareSingle,
    seed: Seed,
    ledger: LedgerPath,
    max_pairs: MaxPairs = None,
) -> None:
    """Assemble the code training set from judged commit pairs."""
    import pyarrow as pa

    from themis.preferences import assemble
    from themis.preferences.filters import Limits
    from themis.preferences.system_prompts import Shares
    from themis.prompting.chat import Chat
    from themis.records import Ledger, read, write

    counts = Ledger("assemble-code")
    table = assemble.assemble_code(
        read(accepted, "labelled"),
        read(instructions, "instructions"),
        pa.concat_tables([read(path, "judgements") for path in judgements]),
        read(benchmark, "benchmark"),
        Chat.load(tokenizer),
        limits=Limits(max_tokens, min_syntax_depth, overlap_words, near_duplicate, max_pairs),
        shares=Shares(share_none, share_all, share_single),
        margin=margin,
        require=require,
        seed=seed,
        ledger=counts,
    )
    inputs = [accepted, instructions, *judgements, benchmark]
    write(table, out, "preferences", inputs=inputs, seed=seed)
    counts.write(ledger, inputs=inputs)


def assemble_general(
    accepted: Accepted,
    instructions: Instructions,
    out: Annotated[Path, typer.Argument(help="General training set.")],
    benchmark: Benchmark,
    tokenizer: Tokenizer,
    max_tokens: MaxTokens,
    humaneval_problems: Annotated[int, typer.Option(min=0, help="HumanEval problems that become pairs.")],
    benchmark_problems: Annotated[int, typer.Option(min=0, help="HumanEval problems that belong to the benchmark.")],
    min_syntax_depth: MinDepth,
    overlap_words: Words,
    near_duplicate: Near,
    share_none: ShareNone,
    share_all: ShareAll,
    share_single: ShareSingle,
    seed: Seed,
    ledger: LedgerPath,
    max_pairs: MaxPairs = None,
) -> None:
    """Assemble the general training set from HumanEval and from instructions."""
    from themis.preferences import general
    from themis.preferences.filters import Limits
    from themis.preferences.system_prompts import Shares
    from themis.prompting.chat import Chat
    from themis.records import Ledger, read, write

    counts = Ledger("assemble-general")
    table = general.assemble_general(
        read(accepted, "labelled"),
        read(instructions, "instructions"),
        read(benchmark, "benchmark"),
        Chat.load(tokenizer),
        limits=Limits(max_tokens, min_syntax_depth, overlap_words, near_duplicate, max_pairs),
        shares=Shares(share_none, share_all, share_single),
        humaneval_problems=humaneval_problems,
        benchmark_problems=benchmark_problems,
        seed=seed,
        ledger=counts,
    )
    inputs = [accepted, instructions, benchmark]
    write(table, out, "preferences", inputs=inputs, seed=seed)
    counts.write(ledger, inputs=inputs)
