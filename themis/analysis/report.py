"""The report: one page with the headline, the interactive leaderboard, the figures and the attrition ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from themis import records
from themis.analysis.accuracy import OVERALL, accuracy, ranking
from themis.analysis.attrition import stage_label, stages
from themis.analysis.captions import figure_sections, relative_link
from themis.analysis.headline import headline
from themis.analysis.inputs import read_scores, read_table
from themis.analysis.leaderboard import payload
from themis.analysis.pages import render
from themis.files import write_text

# Parts of the page's script, in order: a constant must come before what needs it at once.
SCRIPTS = ("statistics", "pairs", "drawing", "state", "controls", "table", "profile", "comparison", "main")


def write_report(
    out: Path,
    *,
    crb: Path,
    figures: Path,
    benchmark: Path | None = None,
    attrition: Path | None = None,
    notebooks: Sequence[Path] = (),
    command: str = "make crb",
    seed: int = 0,
) -> None:
    """Write the page to `out`. It needs no network and no other file; what lies beside it is linked relative to it.

    Every figure of the folder `figures` is shown under its caption. Which pairs share a prompt is told as in
    `inputs.read_scores`. Without `attrition` there is no ledger. `command` is what makes the page again, and `seed` that
    of the headline's bootstrap.
    Raises Problem where a table is missing or not what it should be, and where a figure has no caption.
    """
    out = Path(out)
    sections = figure_sections(Path(figures), out.parent)
    scores = read_scores(crb, benchmark)
    table = accuracy(scores, "aspect", seed=seed)
    page = render(
        "report.html.j2",
        title="Code reward models: report",
        headline=headline(scores, table, seed).sentence,
        board=payload(scores),
        scripts=SCRIPTS,
        pairs=scores["id"].n_unique(),
        accuracies=_overall(table),
        sections=sections,
        ledger=None if attrition is None else _ledger(attrition),
        provenance=_provenance(crb),
        notebooks=[(path.stem, relative_link(path, out.parent)) for path in map(Path, notebooks)],
        command=command,
    )
    write_text(out, page)


def _overall(table: pl.DataFrame) -> list[dict[str, float | str]]:
    """Model, half_credit and strict over all pairs, the best first."""
    rows = {row["model"]: row for row in table.filter(pl.col("group") == OVERALL).iter_rows(named=True)}
    return [rows[model] for model in ranking(table)]


def _ledger(attrition: Path) -> list[dict[str, object]]:
    rows = stages(read_table(attrition, "attrition"))
    return [row | {"label": stage_label(row["stage"])} for row in rows.iter_rows(named=True)]


def _provenance(crb: Path) -> list[tuple[str, str]]:
    """What the scores' metadata tell: the study's hash, the code's version, the files they were made from."""
    known = records.metadata(crb)
    inputs = json.loads(known.get("inputs") or "{}")
    return [
        ("Study", known.get("study") or "not recorded: scores gathered outside the workflow"),
        ("themis", known.get("version", "")),
        ("Scores", f"{Path(crb).name}, sha256 {records.file_digest(crb)[:16]}"),
        *((f"from {name}", f"sha256 {digest[:16]}") for name, digest in sorted(inputs.items())),
    ]
