"""A benchmark's pairs as they are and under each perturbation, in one table that is scored like any benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from themis import chance
from themis.errors import Problem
from themis.progress import track
from themis.records import SCHEMAS, Ledger, read, write
from themis.score.perturbations import OF_PAIRS, perturbed
from themis.syntax.tokens import Refusal
from themis.vocabulary import CODE_CRITERIA, SEPARATOR


def perturb(
    benchmark: Path,
    out: Path,
    ledger: Path,
    *,
    names: Sequence[str] = OF_PAIRS,
    pairs: int | None = None,
    seed: int = 77,
) -> pa.Table:
    """Write `pairs` pairs of a benchmark, chosen by chance (none: all), and each as every perturbation changes it.

    Returns the table of schema "benchmark", by id. The ledger's scopes are the
    perturbations: pairs changed, and those that one does not apply to, by reason. Raises Problem for a name that is not
    known, a benchmark without pairs, and an id that holds the separator.
    """
    names = tuple(dict.fromkeys(names))
    if unknown := [name for name in names if name not in OF_PAIRS]:
        raise Problem(f"perturbation {unknown[0]} is none of {', '.join(OF_PAIRS)}")
    rows = read(benchmark, "benchmark").to_pylist()
    if not rows:
        raise Problem(f"{benchmark}: it holds no pairs to perturb")
    if marked := [row["id"] for row in rows if SEPARATOR in row["id"]]:
        raise Problem(
            f"{benchmark}: id {marked[0]!r} is of a perturbed pair already; give the benchmark as it was built"
        )
    order = chance.order(seed, "pairs to perturb", [row["id"] for row in rows])[:pairs]
    counts = Ledger("perturb")
    made = []
    for row in track([rows[at] for at in order], "perturb", unit="pair"):
        made.append(row)
        for name in names:
            try:
                made.append({**perturbed(row, name, seed), "id": f"{row['id']}{SEPARATOR}{name}"})
            except Refusal as refusal:
                counts.drop(str(refusal), name)
            else:
                counts.keep(name)
    table = pa.Table.from_pylist(made, schema=SCHEMAS["benchmark"]).sort_by("id")
    write(table, out, "benchmark", inputs=[benchmark], seed=seed)
    counts.write(ledger, inputs=[benchmark])
    return table


def criteria_orders(count: int, seed: int) -> list[str]:
    """Prompt modes that name all criteria of code: in their usual order, then in `count` others chosen by chance."""
    usual = [criterion.value for criterion in CODE_CRITERIA]
    modes = ["+".join(usual)]
    number = 0
    while len(modes) <= count:
        mode = "+".join(usual[at] for at in chance.order(seed, f"order of criteria {number}", usual))
        number += 1
        if mode not in modes:
            modes.append(mode)
    return modes
