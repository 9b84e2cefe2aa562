"""The command that writes the demo corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("demo-corpus")(demo_corpus)


def demo_corpus(
    out: Annotated[Path, typer.Argument(help="Folder of the bare repositories, owner/name.git.")],
    manifest: Annotated[Path, typer.Option(help="Table with one row per commit: what it is.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of every choice; the same seed, the same hashes.")] = 77,
    repositories_per_language: Annotated[
        int, typer.Option(min=2, help="Repositories per language; the last is of the benchmark window.")
    ] = 4,
    families: Annotated[int, typer.Option(min=1, help="Code families per criterion and language.")] = 4,
    training_pairs: Annotated[int, typer.Option(min=1, help="Improvements per criterion and language, training.")] = 4,
    benchmark_pairs: Annotated[
        int, typer.Option(min=1, help="Improvements per criterion and language, benchmark.")
    ] = 2,
    commits: Annotated[int, typer.Option(min=100, help="Commits at least; noise fills up.")] = 1500,
) -> None:
    """Generate the demo corpus: git repositories whose history is known commit by commit."""
    from themis.demo.corpus import write_corpus

    write_corpus(
        out,
        manifest,
        seed=seed,
        repositories_per_language=repositories_per_language,
        families=families,
        training_pairs=training_pairs,
        benchmark_pairs=benchmark_pairs,
        commits=commits,
    )
