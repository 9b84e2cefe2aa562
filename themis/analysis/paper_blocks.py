"""A table of the paper as blocks of rows: cells that were recomputed or are quoted, and the text a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from themis.analysis.accuracy import label
from themis.analysis.paper_benchmark import ours
from themis.registry import reference_model

RECOMPUTED, QUOTED = "recomputed", "quoted"
DAGGER = "†"
NOTHING = "–"

# `value` and `printed` are text in table 5, numbers elsewhere.
CELLS: dict[str, type[pl.DataType]] = {
    "row": pl.String,
    "size": pl.String,
    "column": pl.String,
    "value": pl.Float64,
    "source": pl.String,
    "printed": pl.Float64,
    "n": pl.Int64,
    "benchmark": pl.String,
}
_DECIMALS = {"RankCorr": 4}  # a column that starts so; others have two


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper, filled in from a study's scores where it can be.

    number: the paper's ("1" to "10"); title: ours.
    cells: one cell a row: row, size, column, value (what the table shows, not rounded), source ("recomputed" from the
        study's scores, or "quoted" from the paper), printed (the paper's figure, null where it has none), n (pairs
        behind a recomputed value, null where it is quoted), benchmark (that the value was measured on, null where it is not one).
    shown: the table to print, all text; a quoted cell bears a dagger, a heading row has only its first cell.
    notes: sentences that belong below the table.
    """

    number: str
    title: str
    cells: pl.DataFrame
    shown: pl.DataFrame
    notes: list[str]


@dataclass(frozen=True)
class Block:
    """Rows under one heading ("" for none): a frame of CELLS and `text`, what is printed of each cell."""

    heading: str
    cells: pl.DataFrame


def quoted(part: pl.DataFrame, benchmark: str | None = None) -> pl.DataFrame:
    """Rows of `printed()` as quoted cells."""
    cells = part.with_columns(value=pl.col("printed"), source=pl.lit(QUOTED), n=None, benchmark=pl.lit(benchmark))
    return _finished(cells)


def in_place(part: pl.DataFrame, measured: pl.DataFrame, benchmark: str) -> pl.DataFrame:
    """Rows of `printed()` with what `measured` (row, column, value, n) has for their models; other models are quoted."""
    present = pl.col("row").is_in(measured["row"].unique().to_list())
    values = measured.select("row", "column", "value", "n")
    cells = part.join(values, on=["row", "column"], how="left", maintain_order="left").with_columns(
        value=pl.when(present).then("value").otherwise("printed"),
        source=pl.when(present).then(pl.lit(RECOMPUTED)).otherwise(pl.lit(QUOTED)),
        n=pl.when(present).then(pl.col("n").fill_null(0)),
        benchmark=pl.lit(benchmark),
    )
    return _finished(cells)


def measured_only(
    measured: pl.DataFrame, models: Sequence[str], columns: Sequence[str], benchmark: str
) -> pl.DataFrame:
    """Rows of the study's own: every model in every column; null where a model has no pair."""
    grid = [(model, _size(model), column) for model in models for column in columns]
    rows = pl.DataFrame(grid, schema=["row", "size", "column"], orient="row")
    cells = rows.join(measured, on=["row", "column"], how="left", maintain_order="left").with_columns(
        pl.col("n").fill_null(0), source=pl.lit(RECOMPUTED), printed=None, benchmark=pl.lit(benchmark)
    )
    return _finished(cells)


def cells_of(blocks: Sequence[Block]) -> pl.DataFrame:
    """The blocks' cells, one block after the other."""
    return pl.concat([block.cells.drop("text") for block in blocks])


def laid_out(blocks: Sequence[Block], columns: Sequence[str], first: str, sized: bool = True) -> pl.DataFrame:
    """The blocks as one table to print. Columns: `first` (the rows' names), Size unless not `sized`, then `columns`;
    names of criteria and languages are the vocabulary's."""
    shown = []
    for block in blocks:
        if block.heading:
            shown.append(pl.DataFrame({"row": [block.heading]}))
        shown.append(block.cells.pivot(on="column", index=["row", "size"], values="text", maintain_order=True))
    table = pl.concat(shown, how="diagonal").fill_null("")
    lacking = [pl.lit("").alias(column) for column in columns if column not in table.columns]
    size = [pl.col("size").alias("Size")] if sized else []
    named = [pl.col(column).alias(label(ours(column))) for column in columns]
    return table.with_columns(lacking).select(pl.col("row").alias(first), *size, *named)


def _finished(cells: pl.DataFrame) -> pl.DataFrame:
    cells = cells.select(pl.col(name).cast(kind) for name, kind in CELLS.items())
    texts = [_text(*cell) for cell in cells.select("value", "source", "column").iter_rows()]
    return cells.with_columns(text=pl.Series(texts, dtype=pl.String))


def _text(value: float | None, source: str, column: str) -> str:
    if value is None:
        return NOTHING
    decimals = next((places for start, places in _DECIMALS.items() if column.startswith(start)), 2)
    return f"{value:.{decimals}f}" + (DAGGER if source == QUOTED else "")


def _size(model: str) -> str:
    size = reference_model(model).size
    return "" if size is None else f"{size:g}B"
