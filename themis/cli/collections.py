"""Commands that collect preference pairs, of the study's own and of public sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Argument(help="Collection.")]
Accepted = Annotated[Path, typer.Argument(help="Labelled commits that the reviewers accepted.")]
Instructions = Annotated[Path, typer.Argument(help="Instruction per commit.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="Attrition ledger.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("collect-commits")(collect_commits)
    app.command("collect-humaneval")(collect_humaneval)
    app.command("collect-instructions")(collect_instructions)
    app.command("collect-faults")(collect_faults)
    app.command("collect")(collect)


def collect_commits(
    accepted: Accepted,
    instructions: Instructions,
    decisions: Annotated[Path, typer.Argument(help="What the votes decide of each commit.")],
    out: Out,
    require: Annotated[str, typer.Option(help="confirmed or not_contradicted.")],
    seed: Seed,
    ledger: LedgerPath,
) -> None:
    """Collect training commits: the file after an improvement against the file before."""
    from themis.preferences.collections import commits
    from themis.records import Ledger

    counts = Ledger("collect")
    commits.collect_commits(accepted, instructions, decisions, out, require=require, seed=seed, ledger=counts)
    counts.write(ledger, inputs=[accepted, instructions, decisions])


def collect_humaneval(
    out: Out,
    problems: Annotated[int, typer.Option(min=0, help="Problems that become pairs.")],
    benchmark_problems: Annotated[int, typer.Option(min=0, help="Problems that belong to the benchmark.")],
    seed: Seed,
    ledger: LedgerPath,
) -> None:
    """Collect HumanEval: a problem's solution against another problem's, or against half of itself."""
    from themis.preferences.collections import problems as humaneval
    from themis.records import Ledger

    counts = Ledger("collect")
    humaneval.collect_humaneval(out, problems=problems, benchmark_problems=benchmark_problems, seed=seed, ledger=counts)
    counts.write(ledger)


def collect_instructions(
    accepted: Accepted, instructions: Instructions, out: Out, seed: Seed, ledger: LedgerPath
) -> None:
    """Collect instructions: the file one was written for against a file of another commit."""
    from themis.preferences.collections import instructions as written
    from themis.records import Ledger

    counts = Ledger("collect")
    written.collect_instructions(accepted, instructions, out, seed=seed, ledger=counts)
    counts.write(ledger, inputs=[accepted, instructions])


def collect_faults(
    programs: Annotated[
        Path, typer.Argument(help="Accepted commits, or a collection, whose chosen programs are taken.")
    ],
    faults: Annotated[Path, typer.Argument(help="The same programs with a fault put in.")],
    out: Out,
    name: Annotated[str, typer.Option(help="Name of the collection.")],
    seed: Seed,
    ledger: LedgerPath,
    instructions: Annotated[
        Path | None, typer.Option(help="Instruction per commit, where programs are commits.")
    ] = None,
) -> None:
    """Collect faults: a program against the same one with a fault put in."""
    from themis.preferences.collections import faults as put_in
    from themis.records import Ledger

    counts = Ledger("collect")
    put_in.collect_faults(programs, faults, out, name, instructions=instructions, seed=seed, ledger=counts)
    counts.write(ledger, inputs=[path for path in (programs, faults, instructions) if path])


def collect(
    name: Annotated[str, typer.Argument(help="Public data set, as the registry names it.")],
    out: Annotated[Path, typer.Argument(help="Collection; of a benchmark or of commits, such a table.")],
    seed: Seed,
    ledger: LedgerPath,
    metrics: Annotated[Path, typer.Option(help="Rows and pairs, found and expected.")],
    path: Annotated[Path | None, typer.Option(help="Folder or file at hand; without it the hub is asked.")] = None,
    hub: Annotated[str | None, typer.Option(help="Hub id, if not the registry's.")] = None,
    revision: Annotated[str | None, typer.Option(help="Commit of the hub repository, if not the registry's.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="PART=COLUMN, where a column is not named as in the registry; repeatable.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Pairs taken at most; a hash picks.")] = None,
    missing: Annotated[str, typer.Option(help="stop or skip where it cannot be had.")] = "stop",
    split: Annotated[str, typer.Option(help="Of commits: train or benchmark.")] = "train",
) -> None:
    """Collect a public data set: preference pairs, a benchmark, or commits."""
    from themis.preferences.collections.public import Place, collect_public, line_of
    from themis.records import Ledger, write

    counts = Ledger("collect")
    table = collect_public(
        line_of(name, column or []),
        Place(path, hub, revision),
        out,
        seed=seed,
        ledger=counts,
        most=max_rows,
        missing=missing,
        split=split,
    )
    counts.write(ledger)
    write(table, metrics, "metrics", seed=seed)
