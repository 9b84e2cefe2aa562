"""The paper's tables from a study's scores: what can be is recomputed, the rest is quoted and marked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from themis.analysis.accuracy import model_names, ordered_groups
from themis.analysis.paper_benchmark import ACCURACY_TABLES, BENCHMARK, benchmark_name, mismatch, pairs_of, recomputed
from themis.analysis.paper_blocks import (
    DAGGER,
    QUOTED,
    Block,
    PaperTable,
    cells_of,
    in_place,
    laid_out,
    measured_only,
    quoted,
)
from themis.analysis.paper_composition import composition_table
from themis.analysis.printed import SOURCE, hyperparameters, printed_table
from themis.analysis.tables import markdown as drawn_in_markdown
from themis.analysis.tables import save
from themis.files import write_text
from themis.registry import in_order
from themis.vocabulary import ABSENT

__all__ = ["PaperTable", "markdown", "paper_tables", "save_tables"]

_TITLES = {
    "2": "Accuracy by criterion, in per cent, and ablations of Themis-RM-8B",
    "3": "Accuracy by language, in per cent, and training languages of Themis-RM-8B",
    "4": "Re-ranking of sampled solutions, and accuracy on adversarial pairs",
    "5": "Hyperparameters of the two training stages",
    "7": "Accuracy on the subsets of functional correctness, in per cent",
    "8": "Accuracy on the subsets of runtime and memory efficiency, in per cent",
    "9": "Accuracy on the subsets of maintainability and security, in per cent",
    "10": "Accuracy on external benchmarks, in per cent",
}
_ABLATIONS = {
    "2": "they need models trained or merged without parts of the recipe, and a pass under another prompt",
    "3": "they need four models trained on 50,000 pairs each of chosen languages",
}
_LACKING = {
    "4": "the study's scores hold no sampled solutions with test results and no adversarial pairs",
    "5": "they are settings of the paper's training, not results",
    "10": "the study's scores are not on these benchmarks",
}


def paper_tables(scores: pl.DataFrame) -> dict[str, PaperTable]:
    """Tables 1 to 5 and 7 to 10 of the paper by their number, rows and columns in the paper's order.

    `scores` is what `inputs.read_scores` returns. Where they are on the paper's benchmark, the study's figures stand in
    the rows of the paper's models, and its further models follow. Where they are on another, the study's models come
    first, under a heading that names the benchmark, and every row of the paper is quoted. Raises Problem where the
    scores are empty or lack a column.
    """
    reason = mismatch(scores)
    measured = recomputed(scores)
    tables = {"1": composition_table(scores, reason)}
    tables |= {number: _accuracy_table(number, scores, measured, reason) for number in ACCURACY_TABLES}
    tables |= {number: _quoted_table(number) for number in ("4", "10")}
    tables["5"] = _hyperparameter_table()
    return {number: tables[number] for number in sorted(tables, key=int)}


def save_tables(tables: Mapping[str, PaperTable], folder: Path) -> None:
    """Write each as FOLDER/table_NUMBER.csv (its cells), .md and .tex (what is shown, with its title and notes)."""
    for number, table in tables.items():
        stem = Path(folder) / f"table_{number}"
        save(table.cells, table.shown, stem)
        title = f"Table {number}. {table.title}"
        drawn = {form: stem.with_name(f"{stem.name}.{form}") for form in ("md", "tex")}
        write_text(drawn["md"], markdown(table))
        below = "\n".join(_latex(note) + r"\par" for note in table.notes)
        tabular = drawn["tex"].read_text(encoding="utf-8")
        write_text(drawn["tex"], f"% {title}\n{tabular}\\par\\smallskip\n{{\\footnotesize\n{below}\n}}\n")


def markdown(table: PaperTable) -> str:
    """A table with its title and notes in Markdown."""
    notes = "\n".join(f"- {note}" for note in table.notes)
    return f"**Table {table.number}. {table.title}**\n\n{drawn_in_markdown(table.shown)}\n{notes}\n"


def _accuracy_table(number: str, scores: pl.DataFrame, measured: pl.DataFrame, reason: str | None) -> PaperTable:
    _, criteria = ACCURACY_TABLES[number]
    part = printed_table(number)
    columns = part["column"].unique(maintain_order=True).to_list()
    own = measured.filter(pl.col("table") == number)
    models = in_order(name for name in model_names(scores) if name in set(measured["row"]))
    if reason is None:
        blocks = [Block("", in_place(part, own, BENCHMARK))]
        further = [name for name in models if name not in set(part["row"])]
        if further:
            blocks.append(Block("Further models of this study", measured_only(own, further, columns, BENCHMARK)))
    else:
        name = benchmark_name(scores)
        pairs = pairs_of(scores)
        n = len(pairs) if criteria is None else pairs["aspect"].is_in([str(criterion) for criterion in criteria]).sum()
        blocks = [Block(f"The paper's models, on {BENCHMARK}", quoted(part, BENCHMARK))]
        if n:
            columns += ordered_groups(set(own["column"]) - set(columns))
            blocks.insert(0, Block(f"This study, on {name}: n = {n:,}", measured_only(own, models, columns, name)))
    if number in _ABLATIONS:
        blocks.append(Block("Ablations of the paper", quoted(printed_table(f"{number} ablation"), BENCHMARK)))
    notes = _accuracy_notes(number, scores, blocks, len(part["row"].unique()), reason)
    return PaperTable(number, _TITLES[number], cells_of(blocks), laid_out(blocks, columns, "Model"), notes)


def _accuracy_notes(
    number: str, scores: pl.DataFrame, blocks: list[Block], papers_models: int, reason: str | None
) -> list[str]:
    notes = ["Accuracy is the share of pairs won: a tie is wrong, and so is a pair whose score is missing."]
    absent = scores.filter(pl.col("missing_reason").cast(pl.String).eq_missing(ABSENT))
    if not absent.is_empty():
        counts = absent.group_by("model", maintain_order=True).len().iter_rows()
        said = "; ".join(f"{model}: {n:,}" for model, n in counts)
        notes.append(f"Pairs that a run does not hold are left out of its accuracy ({said}).")
    if reason is not None:
        notes.append(f"{DAGGER} {_quote()}, because {reason}. Rows on different benchmarks are not comparable.")
        if len(blocks) == 1 + (number in _ABLATIONS):
            notes.append("The study's benchmark has no pairs of these criteria.")
    else:
        lacking = blocks[0].cells.filter(pl.col("source") == QUOTED)["row"].n_unique()
        if lacking:
            notes.append(
                f"{DAGGER} {_quote()}: {lacking} of the paper's {papers_models} models have no scores in this study."
            )
        notes.append("A recomputed figure may differ from the printed one; the table's CSV file has both.")
    if number in _ABLATIONS:
        notes.append(f"{DAGGER} The ablations are quoted from {SOURCE}: {_ABLATIONS[number]}.")
    return notes


def _quoted_table(number: str) -> PaperTable:
    part = printed_table(number)
    columns = part["column"].unique(maintain_order=True).to_list()
    blocks = [Block("", quoted(part))]
    notes = [f"{DAGGER} {_quote()}, because {_LACKING[number]}."]
    if number == "4":
        notes.append("Hits@10 and accuracy (Adversarial) are in per cent; rank correlations are between -1 and 1.")
    return PaperTable(number, _TITLES[number], cells_of(blocks), laid_out(blocks, columns, "Model"), notes)


def _hyperparameter_table() -> PaperTable:
    settings = hyperparameters()
    value = pl.col("value")
    cells = settings.select(
        row="setting", size="size", column="stage", value="value", source=pl.lit(QUOTED), printed="value",
        n=pl.lit(None, pl.Int64), benchmark=pl.lit(None, pl.String), text=value + DAGGER,
    )  # fmt: skip
    blocks = [Block("", cells)]
    columns = settings["stage"].unique(maintain_order=True).to_list()
    shown = laid_out(blocks, columns, "Setting")
    notes = [f"{DAGGER} {_quote()}: {_LACKING['5']}. A row without a size holds for all six."]
    return PaperTable("5", _TITLES["5"], cells_of(blocks), shown, notes)


def _quote() -> str:
    return f"Quoted from {SOURCE}"


def _latex(text: str) -> str:
    escapes = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    escapes |= {character: f"\\{character}" for character in "&%$#_{}"}
    return text.translate(str.maketrans(escapes))
