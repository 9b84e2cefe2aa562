"""Figures of the results: accuracy, margins. Each takes a table and returns a figure for `drawing.save`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from themis.analysis.accuracy import MACRO, label, ranking
from themis.analysis.drawing import CHANCE_LINE, GREY, Mark, panels, share_axis, style

_MANY = 12  # models from which panels stand in one row, each a column of the list


def accuracy_dots(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Half-credit accuracy with 95% intervals: a panel per group, a row per model, the best on top.

    `table` is what `accuracy.accuracy` returns. A hollow mark is the strict accuracy, where ties make it differ.
    """
    order = ranking(table)
    groups = [group for group in table["group"].unique(maintain_order=True) if group != MACRO]
    columns = 3 if len(order) <= _MANY else min(len(groups), 6)
    with style():
        height = 0.75 + 0.25 * len(order)
        figure, axes = panels(len(groups), columns, 3.3 if columns == 3 else 2.6, height, sharey=True, sharex=True)
        for axis, group in zip(axes, groups, strict=True):
            part = {row["model"]: row for row in table.filter(pl.col("group") == group).iter_rows(named=True)}
            for place, model in enumerate(order):
                _dot(axis, part[model], place, styles[model])
            size = f"(n\u00a0=\u00a0{part[order[0]]['n']:,})"
            axis.set_title(textwrap.fill(f"{label(group)} {size}", 38 if columns == 3 else 26))
            share_axis(axis)
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
        _outer_labels(axes, columns, "Accuracy (% of pairs)")
        figure.legend(handles=_dot_legend(), loc="outside lower center", ncols=4)
    return figure


def margins(scores: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Distribution of chosen - rejected score, a panel per model in its own units; pairs right of 0 are won."""
    models = scores["model"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(models), 3 if len(models) <= _MANY else 5, 3.1, 2.1)
        for axis, model in zip(axes, models, strict=True):
            own = scores.filter(pl.col("model") == model)
            counts = {name: own["outcome"].eq(name).sum() for name in ("win", "tie", "loss", "missing")}
            untied = own.filter(pl.col("outcome").is_in(["win", "loss"]))
            _histogram(axis, (untied["chosen_score"] - untied["rejected_score"]).to_numpy(), styles[model].colour)
            axis.set_title(model, fontsize=9 if len(model) <= 26 else 7.5, pad=16)
            said = f"{counts['win']:,} won, {counts['tie']:,} tied, {counts['loss']:,} lost"
            said += f", {counts['missing']:,} missing" if counts["missing"] else ""
            axis.text(0, 1.03, said, transform=axis.transAxes, fontsize=8, color="#444444", va="bottom")
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.set_ylabel("Pairs")
        figure.supxlabel(
            "Score of chosen − rejected (each model's own units; outliers in the outermost bins)", fontsize=9
        )
    return figure


def _dot(axis: Axes, row: Mapping, place: int, mark: Mark) -> None:
    axis.plot([row["low"], row["high"]], [place, place], color=mark.colour, linewidth=1.6, solid_capstyle="butt")
    if abs(row["strict"] - row["half_credit"]) > 1e-9:
        hollow = {"markerfacecolor": "white", "markeredgecolor": mark.colour, "markersize": 4.5}
        axis.plot(row["strict"], place, mark.marker, linestyle="", clip_on=False, **hollow)
    axis.plot(row["half_credit"], place, mark.marker, color=mark.colour, markersize=5.5, clip_on=False)


def _dot_legend() -> list[Line2D]:
    dot = {"linestyle": "", "marker": "o", "color": "#444444"}
    return [
        Line2D([], [], **dot, markersize=5.5, label="a tie counts half"),
        Line2D([], [], **dot, markersize=4.5, markerfacecolor="white", label="a tie is wrong"),
        Line2D([], [], color="#444444", linewidth=1.6, label="95% interval"),
        Line2D([], [], **CHANCE_LINE, label="chance"),
    ]


def _outer_labels(axes: list[Axes], columns: int, said: str) -> None:
    """Ticks and axis label on the lowest panel of every column."""
    for place, axis in enumerate(axes):
        lowest = place + columns >= len(axes)
        axis.tick_params(axis="x", labelbottom=lowest)
        axis.tick_params(axis="y", length=0)
        if lowest:
            axis.set_xlabel(said)


def _histogram(axis: Axes, values: np.ndarray, colour: str) -> None:
    """Won pairs in the model's colour, lost ones in grey; an edge of the bins lies at 0."""
    values = values[np.isfinite(values)]
    reach = float(np.quantile(np.abs(values), 0.98)) if len(values) else 1.0
    edges = np.linspace(-(reach or 1.0), reach or 1.0, 25)
    for side, shade in ((values < 0, GREY), (values > 0, colour)):
        axis.hist(np.clip(values[side], edges[0], edges[-1]), bins=edges, color=shade, edgecolor="white", linewidth=0.4)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.xaxis.set_major_locator(MaxNLocator(5))
