"""Figures that are tables in colour: languages, transfer, ablations, and how models and criteria agree."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from themis.analysis.accuracy import MACRO, label, ordered_groups, ranking
from themis.analysis.drawing import VERMILLION, message, style
from themis.vocabulary import PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES

_DIVERGING, _RISING = "PuOr", "cividis"  # both are told apart by colour-blind readers


def groups_by_model(table: pl.DataFrame) -> Figure:
    """Half-credit accuracy, a row per model (the best on top), a column per group with its number of pairs.

    `table` is an accuracy table. White is chance.
    """
    order = ranking(table)
    groups = [group for group in table["group"].unique(maintain_order=True) if group != MACRO]
    cells = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    values = np.array([[cells[model, group]["half_credit"] for group in groups] for model in order])
    columns = [f"{label(group)}\nn = {cells[order[0], group]['n']:,}" for group in groups]
    with style():
        figure, axis = _sheet(len(order), len(groups), 0.74, 0.21)
        image = _grid(axis, 100 * values, order, columns, vmin=0, vmax=100, colours=_DIVERGING, form="{:.1f}")
        _bar(figure, axis, image, "Accuracy (% of pairs)")
    return figure


def cells_of_model(table: pl.DataFrame, model: str) -> Figure:
    """One model's half-credit accuracy by criterion (rows) and language (columns), with the pairs of every cell.

    `table` is what `accuracy.cells` returns.
    """
    own = table.filter(pl.col("model") == model)
    aspects, languages = (ordered_groups(own[name].unique().to_list()) for name in ("aspect", "language"))
    found = {(row["aspect"], row["language"]): row for row in own.iter_rows(named=True)}
    values = np.full((len(aspects), len(languages)), np.nan)
    texts = [["" for _ in languages] for _ in aspects]
    for i, aspect in enumerate(aspects):
        for j, language in enumerate(languages):
            row = found.get((aspect, language))
            if row:
                values[i, j] = 100 * row["half_credit"]
                texts[i][j] = f"{values[i, j]:.0f}\n[{100 * row['low']:.0f} {100 * row['high']:.0f}]\nn = {row['n']:,}"
    with style():
        figure, axis = _sheet(len(aspects), len(languages), 0.82, 0.62)
        image = _grid(
            axis, values, [label(a) for a in aspects], languages, vmin=0, vmax=100, colours=_DIVERGING, texts=texts
        )
        axis.set_title(model, pad=26)
        _bar(figure, axis, image, "Accuracy (% of pairs)")
    return figure


def printed_matrix(table: pl.DataFrame, bold: Sequence[tuple[str, str]] = ()) -> Figure:
    """Printed figures (row, column, printed in per cent) as a heat map; those of the cells (row, column) in `bold` are
    framed."""
    rows, columns = (table[name].unique(maintain_order=True).to_list() for name in ("row", "column"))
    found = {(row["row"], row["column"]): row["printed"] for row in table.iter_rows(named=True)}
    values = np.array([[found.get((row, column), np.nan) for column in columns] for row in rows])
    titles = [label(PUBLISHED_ASPECTS.get(name) or PUBLISHED_LANGUAGES.get(name) or name) for name in columns]
    with style():
        figure, axis = _sheet(len(rows), len(columns), 0.98, 0.3)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        image = _grid(axis, values, rows, titles, vmin=low, vmax=high, colours=_RISING, form="{:.1f}")
        for row, column in bold:
            if (row, column) in found:
                axis.add_patch(_frame(columns.index(column), rows.index(row)))
        _bar(figure, axis, image, "Accuracy (% of pairs), as printed")
    return figure


def criteria_correlation(table: pl.DataFrame) -> Figure:
    """Spearman's correlation of every two criteria over the models, with its interval. `table` is what
    `agreement.criteria_correlation` returns."""
    shown = table.drop_nulls("rho")
    if shown.is_empty():
        return message("Not shown: a rank correlation over fewer than four models says nothing.")
    groups = ordered_groups({*shown["first"], *shown["second"]})
    values = np.eye(len(groups))
    texts = [["1" if i == j else "" for j in range(len(groups))] for i in range(len(groups))]
    for row in shown.iter_rows(named=True):
        for a, b in ((row["first"], row["second"]), (row["second"], row["first"])):
            i, j = groups.index(a), groups.index(b)
            values[i, j] = row["rho"]
            texts[i][j] = f"{row['rho']:.2f}\n[{row['low']:.2f} {row['high']:.2f}]"
    with style():
        figure, axis = _sheet(len(groups), len(groups), 1.05, 0.6)
        names = [label(group) for group in groups]
        image = _grid(axis, values, names, names, vmin=-1, vmax=1, colours=_DIVERGING, texts=texts)
        _bar(figure, axis, image, "Rank correlation over models")
    return figure


def agreement(table: pl.DataFrame) -> Figure:
    """Cohen's kappa of every two models, models that agree side by side. `table` is what `agreement.agreement` returns."""
    models = list(dict.fromkeys([*table["first"], *table["second"]]))
    if len(models) < 3:
        return message("Not shown: agreement needs three models or more.")
    kappa = np.eye(len(models))
    for row in table.iter_rows(named=True):
        i, j = models.index(row["first"]), models.index(row["second"])
        kappa[i, j] = kappa[j, i] = np.nan if row["kappa"] is None else row["kappa"]
    distance = np.clip(1 - np.nan_to_num(kappa), 0, None)
    np.fill_diagonal(distance, 0)
    order = leaves_list(linkage(squareform(distance, checks=False), method="average", optimal_ordering=True))
    names = [models[place] for place in order]
    cell = 0.2 if len(models) > 12 else 0.5
    values = kappa[np.ix_(order, order)]
    texts = [["" if i == j or np.isnan(v) else f"{v:.2f}" for j, v in enumerate(row)] for i, row in enumerate(values)]
    few = len(models) <= 12
    np.fill_diagonal(values, np.nan)
    with style():
        figure, axis = _sheet(len(models), len(models), cell, cell)
        image = _grid(
            axis, values, names, names, vmin=-1, vmax=1, colours=_DIVERGING, texts=texts if few else None, turned=True
        )
        _bar(figure, axis, image, "Cohen's kappa")
    return figure


def _sheet(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(3.4 + width * columns, 1.2 + height * rows), layout="constrained")
    return figure, figure.add_subplot()


def _grid(
    axis: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    vmin: float,
    vmax: float,
    colours: str,
    form: str = "",
    texts: Sequence[Sequence[str]] | None = None,
    turned: bool = False,
) -> AxesImage:
    """Draw the cells with their texts; columns are named on top. Cells without a value stay blank."""
    image = axis.imshow(values, cmap=colours, vmin=vmin, vmax=vmax, aspect="auto")
    axis.set_yticks(range(len(rows)), rows)
    if not turned:
        columns = [
            "\n".join(textwrap.fill(line, 15, break_long_words=False) for line in column.splitlines())
            for column in columns
        ]
    axis.set_xticks(range(len(columns)), columns, rotation=90 if turned else 0)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    small = 7 if len(rows) > 12 else 8
    if turned and len(rows) > 12:
        axis.tick_params(labelsize=7)
    else:
        axis.tick_params(axis="x", labelsize=7.5)
    axis.spines[:].set_visible(False)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            text = texts[i][j] if texts is not None else (form.format(value) if form and not np.isnan(value) else "")
            if text:
                axis.text(j, i, text, ha="center", va="center", fontsize=small, color=_ink(image, value))
    return image


def _ink(image: AxesImage, value: float) -> str:
    """Black or white, whichever stands out from the cell's colour (relative luminance of sRGB)."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "black" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.2 else "white"


def _frame(column: int, row: int) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=VERMILLION, linewidth=2.2)


def _bar(figure: Figure, axis: Axes, image: AxesImage, said: str) -> None:
    bar = figure.colorbar(image, ax=axis, shrink=0.6 if axis.get_subplotspec() else 1, pad=0.02)
    bar.set_label(said, fontsize=8)
    bar.outline.set_visible(False)
