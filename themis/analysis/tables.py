"""Tables for readers: all numbers as CSV, and what is shown as Markdown and LaTeX."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
from tabulate import tabulate

from themis.analysis.accuracy import MACRO, OVERALL, label, ranking
from themis.analysis.attrition import stage_label, stages
from themis.files import write_text


def save(data: pl.DataFrame, shown: pl.DataFrame, stem: Path) -> None:
    """Write `data` to STEM.csv, and `shown` (text columns) to STEM.md and STEM.tex (booktabs)."""
    stem = Path(stem)
    write_text(stem.with_name(stem.name + ".csv"), data.write_csv(float_precision=6))
    write_text(stem.with_name(stem.name + ".md"), markdown(shown))
    write_text(stem.with_name(stem.name + ".tex"), _drawn(shown, "latex_booktabs"))


def markdown(shown: pl.DataFrame) -> str:
    """The table in Markdown."""
    return _drawn(shown.with_columns(pl.all().str.replace_all("|", r"\|", literal=True)), "pipe")


def accuracy_shown(table: pl.DataFrame) -> pl.DataFrame:
    """An accuracy table to read: a row per model, the best first; columns ties and missing (pairs), then half-credit
    accuracy with its 95% interval over all pairs, on average over the groups, and in each group."""
    groups = table["group"].unique(maintain_order=True).to_list()
    if len(groups) == 3:  # one group: the mean over groups says nothing new
        groups.remove(MACRO)
    rows = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    shown = []
    for model in ranking(table):
        overall = rows[model, OVERALL]
        cells = {label(group): estimate(**_ends(rows[model, group])) for group in groups}
        shown.append({"Model": model, **cells, "Ties": f"{overall['ties']}", "Missing": f"{overall['missing']}"})
    counts = {label(group): f"n = {rows[model, group]['n']:,}" for group in groups if group != MACRO}
    return pl.DataFrame([{"Model": "", **dict.fromkeys(shown[0], ""), **counts}, *shown])


def attrition_shown(ledger: pl.DataFrame) -> pl.DataFrame:
    """The attrition ledger to read: a row per stage and scope."""
    return pl.DataFrame(
        [
            {
                "Stage": stage_label(row["stage"]),
                "Scope": row["scope"],
                "In": f"{row['rows_in']:,}",
                "Kept": f"{row['rows_kept']:,}",
                "Share kept": "" if row["share_kept"] is None else f"{row['share_kept']:.1%}",
                "Dropped": row["reasons"],
            }
            for row in stages(ledger).iter_rows(named=True)
        ],
        schema=dict.fromkeys(("Stage", "Scope", "In", "Kept", "Share kept", "Dropped"), pl.String),
    )


def discrepancies_shown(table: pl.DataFrame) -> pl.DataFrame:
    """What `discrepancies.discrepancies` returns, to read."""
    names = {"table": "Table", "row": "Model", "column": "Column"}
    return table.select(
        *(pl.col(name).alias(title) for name, title in names.items()),
        *(
            pl.col(name).map_elements(lambda value: f"{value:.2f}", return_dtype=pl.String).alias(title)
            for name, title in (("printed", "Printed"), ("recomputed", "Recomputed"))
        ),
        pl.col("difference").map_elements(lambda value: f"{value:+.2f}", return_dtype=pl.String).alias("Difference"),
        pl.col("kind").alias("Kind"),
        pl.col("note").alias("Note"),
    )


def ties_shown(table: pl.DataFrame) -> pl.DataFrame:
    """What `discrepancies.tie_corrections` returns, to read."""
    shares = {
        "tie_rate": "Tied",
        "strict": "A tie is wrong",
        "half_credit": "A tie counts half",
        "decided": "Untied pairs",
    }
    return table.select(
        pl.col("model").alias("Model"),
        *(
            pl.col(name).map_elements(lambda value: f"{value:.2%}", return_dtype=pl.String).fill_null("–").alias(title)
            for name, title in shares.items()
        ),
        pl.col("gain").map_elements(lambda value: f"{value:+.2f}", return_dtype=pl.String).alias("Gain (points)"),
    )


def findings_shown(table: pl.DataFrame) -> pl.DataFrame:
    """What importing runs found, to read."""
    titles = {"run": "Run", "severity": "What follows", "check": "Check", "rows": "Rows", "detail": "Detail"}
    return table.select(pl.col(name).cast(pl.String).alias(title) for name, title in titles.items())


def lengths_shown(table: pl.DataFrame) -> pl.DataFrame:
    """What `composition.lengths` returns, to read."""
    return pl.DataFrame(
        {
            "Criterion": label(row["aspect"]),
            "Pairs": f"{row['n']:,}",
            "Chosen is longer": estimate(row["share_longer"], row["low"], row["high"]),
            "Equal": f"{row['equal']:,}",
            "Median length of chosen": _median(row["chosen_median"]),
            "of rejected": _median(row["rejected_median"]),
        }
        for row in table.iter_rows(named=True)
    )


def estimate(value: float, low: float, high: float) -> str:
    """`.71 [.63 .78]`; a dash where there is no value."""
    if value is None or math.isnan(value):
        return "–"
    return f"{share(value)} [{share(low)} {share(high)}]"


def share(value: float) -> str:
    """A share in three characters: .71, 1.0."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0") else text[:3]


def _ends(row: dict) -> dict[str, float]:
    return {"value": row["half_credit"], "low": row["low"], "high": row["high"]}


def _median(characters: float | None) -> str:
    return "–" if characters is None else f"{characters:,.0f}"


def _drawn(shown: pl.DataFrame, form: str) -> str:
    rows = [["" if cell is None else cell for cell in row] for row in shown.rows()]
    return tabulate(rows, headers=shown.columns, tablefmt=form, disable_numparse=True) + "\n"
