"""Commands of the preferences stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Accepted = Annotated[Path, typer.Argument(help="Labelled commits that the reviewers accepted.")]
Instructions = Annotated[Path, typer.Argument(help="Instruction per commit.")]
Tokenizer = Annotated[Path, typer.Option(help="Checkpoint folder whose chat template counts tokens.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Prompt and longer response, at most.")]
BalanceWithin = Annotated[
    list[str] | None, typer.Option(help="source, aspect, language: cells of the length balance; none: no balance.")
]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
Lengths = Annotated[Path, typer.Option(help="In how many pairs chosen is the longer response.")]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="Attrition ledger.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("build-benchmark")(build_benchmark)
    app.command("assemble")(assemble)


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
    lengths: Lengths,
    folder: Annotated[
        Path | None, typer.Option(help="Folder with humanevalpack/, debugbench/, nofuneval/ to add pairs from.")
    ] = None,
    folder_pairs: Annotated[int, typer.Option(min=0, help="Pairs taken per subset of that folder.")] = 0,
    balance_within: BalanceWithin = None,
) -> None:
    """Build the code benchmark."""
    from themis.preferences import benchmark
    from themis.prompting.chat import Chat
    from themis.records import Ledger, read, write

    counts = Ledger("benchmark")
    table, numbers, counted = benchmark.build_benchmark(
        read(accepted, "labelled"),
        read(instructions, "instructions"),
        Chat.load(tokenizer),
        max_tokens=max_tokens,
        humaneval_problems=humaneval_problems,
        timeout_s=timeout,
        memory_mb=memory_mb,
        folder=folder,
        pairs_per_subset=folder_pairs,
        balance_within=balance_within or (),
        seed=seed,
        ledger=counts,
    )
    inputs = [accepted, instructions]
    write(table, out, "benchmark", inputs=inputs, seed=seed)
    write(numbers, metrics, "metrics", inputs=inputs, seed=seed)
    write(counted, lengths, "lengths", inputs=inputs, seed=seed)
    counts.write(ledger, inputs=inputs)


def assemble(
    out: Annotated[Path, typer.Argument(help="Training set.")],
    name: Annotated[str, typer.Option(help="Name of the set: code, general.")],
    collection: Annotated[list[Path], typer.Option(help="Pairs of a source; once per collection.")],
    benchmark: Annotated[list[Path], typer.Option(help="A benchmark of this study, which no pair may come near.")],
    tokenizer: Tokenizer,
    max_tokens: MaxTokens,
    min_syntax_depth: Annotated[int, typer.Option(min=0, help="Levels of the syntax tree, at least.")],
    english: Annotated[bool, typer.Option(help="Whether the prompt must be English.")],
    max_perplexity: Annotated[float, typer.Option(min=1, help="Perplexity of the prompt, at most, if measured.")],
    near_duplicate: Annotated[float, typer.Option(min=0, max=1, help="Jaccard similarity of near-duplicates.")],
    shingle: Annotated[int, typer.Option(min=1, help="Words of a shingle in near-duplicates of a source.")],
    overlap_words: Annotated[int, typer.Option(min=1, help="Length of a shared run of words that counts as overlap.")],
    share_none: Annotated[float, typer.Option(min=0, max=1, help="Share shown without a system prompt.")],
    share_all: Annotated[float, typer.Option(min=0, max=1, help="Share shown all criteria, shuffled.")],
    share_single: Annotated[float, typer.Option(min=0, max=1, help="Share shown the pair's own criterion.")],
    share_subset: Annotated[float, typer.Option(min=0, max=1, help="Share shown its criterion among some others.")],
    seed: Seed,
    ledger: LedgerPath,
    lengths: Lengths,
    decontaminate: Annotated[
        list[Path] | None, typer.Option(help="File or folder of another benchmark whose texts no pair may overlap.")
    ] = None,
    commits: Annotated[
        Path | None, typer.Option(help="Labelled commits: repositories of the benchmark split are barred.")
    ] = None,
    language_identifier: Annotated[
        Path | None, typer.Option(help="fastText model that tells languages apart; none: the one installed.")
    ] = None,
    kenlm: Annotated[Path | None, typer.Option(help="KenLM file that measures perplexity.")] = None,
    sentencepiece: Annotated[Path | None, typer.Option(help="SentencePiece model that cuts texts for it.")] = None,
    perplexity_model: Annotated[Path | None, typer.Option(help="Checkpoint folder that measures perplexity.")] = None,
    balance_within: BalanceWithin = None,
    max_pairs: Annotated[int | None, typer.Option(min=1, help="Cap on the set; a hash picks.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
) -> None:
    """Assemble a training set from collections: every filter in its order, each drop counted."""
    from themis.preferences import assemble
    from themis.preferences.decontaminate import benchmark_files
    from themis.preferences.filters import Limits, Screen
    from themis.preferences.perplexity import Perplexity
    from themis.preferences.references import References
    from themis.prompting.chat import Chat
    from themis.prompting.system_prompts import Shares

    limits = Limits(
        max_tokens=max_tokens,
        min_syntax_depth=min_syntax_depth,
        english=english,
        max_perplexity=max_perplexity,
        near_duplicate=near_duplicate,
        shingle=shingle,
        overlap_words=overlap_words,
        balance_within=tuple(balance_within or ()),
        max_pairs=max_pairs,
    )
    others = [file for path in decontaminate or () for file in benchmark_files(path)]
    references = References.read(benchmark, others, commits, overlap_words, near_duplicate)
    screen = Screen(
        limits,
        Chat.load(tokenizer),
        references,
        shares=Shares(share_none, share_all, share_single, share_subset),
        seed=seed,
        identifier=language_identifier,
        perplexity=Perplexity.of(
            kenlm=kenlm, sentencepiece=sentencepiece, language_model=perplexity_model, threads=threads
        ),
    )
    assemble.assemble(
        collection,
        out,
        name=name,
        screen=screen,
        seed=seed,
        ledger=ledger,
        lengths=lengths,
        inputs=[*benchmark, *others, *([commits] if commits else [])],
        threads=threads,
    )
