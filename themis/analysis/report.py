"""The report: one page with the headline, the accuracy tables, the figures and the attrition ledger."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from themis import records
from themis.analysis.accuracy import MACRO, OVERALL, accuracy, label, ranking
from themis.analysis.attrition import stage_label, stages
from themis.analysis.files import write_text
from themis.analysis.headline import headline
from themis.analysis.inputs import read_scores, read_table
from themis.analysis.pages import render
from themis.analysis.tables import share
from themis.errors import Problem

# The figures the page shows, by file stem: section, whether a run must have it, and its caption.
FIGURES: dict[str, tuple[str, bool, str]] = {
    "accuracy_by_criterion": (
        "accuracy",
        True,
        "Accuracy by criterion. Models in order of their accuracy over all pairs.",
    ),
    "accuracy_by_language": ("accuracy", True, "Accuracy by programming language."),
    "margins": ("accuracy", True, "How far apart each model scores the two sides of a pair; right of 0 it is right."),
    "training": ("training", False, "Loss and accuracy on the training pairs of every optimiser step."),
    "attrition": ("data", True, "What each stage kept, of the commits that came in."),
    "composition": ("data", False, "Pairs by criterion and language."),
    "lengths": (
        "data",
        False,
        "How often the better code is the longer: what a model could win by counting characters.",
    ),
    "classifiers": ("data", False, "The criteria's classifiers on commits they were not trained on."),
}
_RERUN = "make crb\n# or, with Snakemake's own options\nsnakemake --profile profiles/local results/report.html"
_GROUPINGS = {"aspect": "By criterion", "language": "By language", "subset": "By subset"}


def write_report(
    out: Path,
    *,
    crb: Path,
    attrition: Path,
    benchmark: Path,
    figures: Path,
    notebooks: Sequence[Path] = (),
    seed: int = 0,
) -> None:
    """Write the page to `out`. It needs no network and no other file; notebooks are linked relative to it.

    Raises Problem where a table or a figure it cannot do without is missing.
    """
    scores = read_scores(crb, benchmark)
    by = {grouping: accuracy(scores, grouping, seed=seed) for grouping in _GROUPINGS}
    ledger = stages(read_table(attrition, "attrition"))
    page = render(
        "report.html.j2",
        title="Code reward models: report",
        headline=headline(scores, by["aspect"], seed).sentence,
        tables=[accuracy_rows(table, _GROUPINGS[grouping]) for grouping, table in by.items()],
        strict=_strict(by["aspect"]),
        ledger=[row | {"label": stage_label(row["stage"])} for row in ledger.iter_rows(named=True)],
        figures=_figures(Path(figures)),
        provenance=_provenance(crb),
        notebooks=[(path.stem, Path(os.path.relpath(path, Path(out).parent)).as_posix()) for path in notebooks],
        rerun=_RERUN,
    )
    write_text(out, page)


def accuracy_rows(table: pl.DataFrame, title: str) -> dict[str, Any]:
    """An accuracy table for the template: columns (name, n) and, per model, cells (value, ends, side of chance)."""
    groups = table["group"].unique(maintain_order=True).to_list()
    if len(groups) == 3:
        groups.remove(MACRO)
    found = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    order = ranking(table)
    return {
        "title": title,
        "columns": [(label(group), None if group == MACRO else found[order[0], group]["n"]) for group in groups],
        "rows": [(model, [_cell(found[model, group]) for group in groups]) for model in order],
    }


def _cell(row: dict[str, Any]) -> dict[str, str]:
    side = "above" if row["low"] > 0.5 else "below" if row["high"] < 0.5 else ""
    return {"value": share(row["half_credit"]), "ends": f"{share(row['low'])} {share(row['high'])}", "side": side}


def _strict(table: pl.DataFrame) -> list[dict[str, Any]]:
    overall = {row["model"]: row for row in table.filter(pl.col("group") == OVERALL).iter_rows(named=True)}
    return [
        overall[model]
        | {
            "half_said": share(overall[model]["half_credit"]),
            "strict_said": share(overall[model]["strict"]),
            "strict_ends": f"{share(overall[model]['strict_low'])} {share(overall[model]['strict_high'])}",
        }
        for model in ranking(table)
    ]


def _figures(folder: Path) -> dict[str, list[dict[str, str]]]:
    """By section; pictures are SVG within the page, each in a frame of its own so that their ids cannot clash."""
    found: dict[str, list[dict[str, str]]] = {section: [] for section, _, _ in FIGURES.values()}
    for stem, (section, needed, caption) in FIGURES.items():
        path = folder / f"{stem}.svg"
        if path.is_file():
            picture = base64.b64encode(path.read_bytes()).decode("ascii")
            found[section].append({"caption": caption, "source": f"data:image/svg+xml;base64,{picture}"})
        elif needed:
            raise Problem(f"{path}: no such figure; run the notebooks that draw it first")
    return found


def _provenance(crb: Path) -> list[tuple[str, str]]:
    """What the scores' metadata tell: the study's hash, the code's version, the files they were made from."""
    known = records.metadata(crb)
    inputs = json.loads(known.get("inputs") or "{}")
    return [
        ("Study", known.get("study") or "not recorded: scores gathered outside the workflow"),
        ("themis", known.get("version", "")),
        ("Scores", f"{crb.name}, sha256 {records.file_digest(crb)[:16]}"),
        *((f"from {name}", f"sha256 {digest[:16]}") for name, digest in sorted(inputs.items())),
    ]
