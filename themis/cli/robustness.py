"""Commands of robustness: the perturbed pairs, and what they do to a model's accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("perturb")(perturb)
    app.command("robustness")(robustness)


def perturb(
    benchmark: Annotated[Path, typer.Argument(help="Benchmark table.")],
    out: Annotated[Path, typer.Argument(help="The pairs as they are and under each perturbation, a benchmark table.")],
    ledger: Annotated[
        Path, typer.Option(help="Ledger of pairs changed, and of those a perturbation does not apply to.")
    ],
    perturbation: Annotated[
        list[str] | None, typer.Option(help="One of the perturbations; repeat it. None: all of them.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Write the pairs as they are, and nothing else.")] = False,
    pairs: Annotated[int | None, typer.Option(min=1, help="Pairs, chosen by chance; none: all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every choice.")] = 77,
) -> None:
    """Change pairs of a benchmark in ways that keep what their programs do."""
    from themis.score.perturb import perturb as run
    from themis.score.perturbations import OF_PAIRS

    run(benchmark, out, ledger, names=() if plain else perturbation or OF_PAIRS, pairs=pairs, seed=seed)


def robustness(
    out: Annotated[Path, typer.Argument(help="A row per model and perturbation.")],
    scores: Annotated[list[Path], typer.Argument(help="Scores on the perturbed pairs, a table per model.")],
    benchmark: Annotated[Path, typer.Option(help="The perturbed pairs.")],
    ledger: Annotated[Path, typer.Option(help="Ledger of the perturbations.")],
    order: Annotated[
        list[Path] | None, typer.Option(help="Scores of the plain pairs under an order of all criteria; repeat it.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Draws of every bootstrap.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compare every model's scores of perturbed pairs with those of the same pairs as they are."""
    from themis.analysis.robustness import robustness as run

    run(out, scores, benchmark=benchmark, ledger=ledger, orders=order or (), resamples=resamples, seed=seed)
