"""Figures of the scores themselves: places, resolution, length; and figures the paper prints, quoted."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from themis.analysis.accuracy import OVERALL, label
from themis.analysis.drawing import CHANCE_LINE, GREY, Mark, message, panels, share_axis, style


def ranks(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """The place of every model with its 95% interval, a panel per group. `table` is what `ranks.ranks` returns."""
    groups = table["group"].unique(maintain_order=True).to_list()
    order = table.filter(pl.col("group") == OVERALL).sort("rank", "model")["model"].to_list()
    with style():
        columns = min(len(groups), 6 if len(order) > 12 else 3)
        figure, axes = panels(len(groups), columns, 2.6, 0.9 + 0.25 * len(order), sharex=True, sharey=True)
        for place, (axis, group) in enumerate(zip(axes, groups, strict=True)):
            rows = {row["model"]: row for row in table.filter(pl.col("group") == group).iter_rows(named=True)}
            for height, model in enumerate(order):
                row, mark = rows[model], styles[model]
                axis.plot([row["low"], row["high"]], [height] * 2, color=mark.colour, linewidth=1.6)
                axis.plot(row["rank"], height, mark.marker, color=mark.colour, markersize=4.5)
            axis.set_title(textwrap.fill(label(group), 22))
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
            axis.set_xlim(0, len(order) + 1)
            axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axis.grid(True, axis="x")
            axis.tick_params(axis="y", length=0)
            axis.tick_params(axis="x", labelbottom=place + columns >= len(axes))
            if place + columns >= len(axes):
                axis.set_xlabel("Place (1 is the best)")
    return figure


def resolution(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """How many distinct scores a model gives, and in how many pairs both responses get the same. `table` is what
    `resolution.resolution` returns."""
    rows = table.filter(pl.col("scores") > 0).sort("distinct", "model", descending=[True, False])
    with style():
        figure, (distinct, ties) = panels(2, 2, 4.6, 1.0 + 0.22 * rows.height, sharey=True)
        for place, row in enumerate(rows.iter_rows(named=True)):
            mark = styles[row["model"]]
            distinct.plot(row["distinct"], place, mark.marker, color=mark.colour, markersize=5)
            ties.plot(row["tie_rate"], place, mark.marker, color=mark.colour, markersize=5, clip_on=False)
        distinct.set_xscale("log")
        distinct.set_xlim(1, 2 * rows["scores"].max())
        distinct.xaxis.set_major_locator(LogLocator(10))
        distinct.xaxis.set_minor_formatter(NullFormatter())
        distinct.set_xlabel(f"Distinct scores (of {rows['scores'].max():,} at most)")
        distinct.set_yticks(range(rows.height), rows["model"].to_list())
        distinct.set_ylim(rows.height - 0.4, -0.6)
        ties.set_xlim(0, max(0.1, 1.05 * rows["tie_rate"].max()))
        ties.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ties.set_xlabel("Pairs whose responses get the same score")
        for axis in (distinct, ties):
            axis.grid(True, axis="x")
            axis.tick_params(axis="y", length=0)
    return figure


def rewards(scores: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Distribution of the scores of chosen (outline) and rejected (grey) responses, a panel per model in its own units."""
    models = scores["model"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(models), 3 if len(models) <= 12 else 5, 3.1, 1.9)
        for axis, model in zip(axes, models, strict=True):
            own = scores.filter(pl.col("model") == model)
            chosen, rejected = (own[side].drop_nulls().to_numpy() for side in ("chosen_score", "rejected_score"))
            both = np.concatenate([chosen, rejected])
            low, high = np.quantile(both, [0.01, 0.99]) if len(both) else (0.0, 1.0)
            edges = np.linspace(low, high if high > low else low + 1, 31)
            outline = {"histtype": "step", "color": styles[model].colour, "linewidth": 1.6}
            for values, look in ((rejected, {"color": GREY}), (chosen, outline)):
                axis.hist(np.clip(values, edges[0], edges[-1]), bins=edges, **look)
            axis.set_title(model, fontsize=9 if len(model) <= 26 else 7.5)
            axis.xaxis.set_major_locator(MaxNLocator(5))
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.set_ylabel("Responses")
        figure.supxlabel(
            "Score (each model's own units; outliers in the outermost bins): chosen as outline, rejected in grey",
            fontsize=9,
        )
    return figure


def profiles(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """The middle half of every model's margins, a panel per criterion. `table` is what `margins.profiles` returns."""
    groups = table["group"].unique(maintain_order=True).to_list()
    overall = table.filter(pl.col("group") == OVERALL).sort(
        "middle", "model", descending=[True, False], nulls_last=True
    )
    order = overall["model"].to_list()
    with style():
        columns = min(len(groups), 6 if len(order) > 12 else 3)
        figure, axes = panels(len(groups), columns, 2.6, 0.9 + 0.25 * len(order), sharex=True, sharey=True)
        for place, (axis, group) in enumerate(zip(axes, groups, strict=True)):
            rows = {row["model"]: row for row in table.filter(pl.col("group") == group).iter_rows(named=True)}
            for height, model in enumerate(order):
                row, mark = rows.get(model), styles[model]
                if row is None or row["middle"] is None:
                    continue
                axis.plot([row["low"], row["high"]], [height] * 2, color=mark.colour, linewidth=1.6)
                axis.plot(row["middle"], height, mark.marker, color=mark.colour, markersize=4.5)
            axis.axvline(0, **CHANCE_LINE)
            axis.set_title(textwrap.fill(label(group), 22))
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
            axis.grid(True, axis="x")
            axis.tick_params(axis="y", length=0)
            axis.tick_params(axis="x", labelbottom=place + columns >= len(axes))
            if place + columns >= len(axes):
                axis.set_xlabel("Chosen − rejected score\n(standard deviations)")
    return figure


def length_bias(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Accuracy where the better code is the longer, where it is the shorter, and their mean with its 95% interval.

    `table` is what `length_bias.length_bias` returns.
    """
    rows = table.filter(pl.col("group") == OVERALL, pl.col("controlled").is_not_null())
    if rows.is_empty():
        return message("Not shown: the texts of the pairs, and so their lengths, are not known to this study.")
    rows = rows.sort("controlled", "model", descending=[True, False])
    with style():
        figure, (axis,) = panels(1, 1, 6.8, 1.1 + 0.3 * rows.height)
        for place, row in enumerate(rows.iter_rows(named=True)):
            colour = styles[row["model"]].colour
            axis.plot([row["low"], row["high"]], [place] * 2, color=colour, linewidth=1.6)
            axis.plot(row["controlled"], place, "o", color=colour, markersize=5.5)
            axis.plot(
                row["accuracy_longer"], place, ">", color=colour, markerfacecolor="white", markersize=6, clip_on=False
            )
            axis.plot(
                row["accuracy_shorter"], place, "<", color=colour, markerfacecolor="white", markersize=6, clip_on=False
            )
        axis.set_yticks(range(rows.height), rows["model"].to_list())
        axis.set_ylim(rows.height - 0.4, -0.6)
        share_axis(axis)
        axis.set_xlabel("Accuracy (% of pairs; a tie counts half)")
        first = rows.row(0, named=True)
        dot = {"linestyle": "", "color": "#444444"}
        figure.legend(
            handles=[
                Line2D(
                    [],
                    [],
                    **dot,
                    marker=">",
                    markerfacecolor="white",
                    label=f"chosen is longer (n = {first['longer']:,})",
                ),
                Line2D(
                    [],
                    [],
                    **dot,
                    marker="<",
                    markerfacecolor="white",
                    label=f"chosen is shorter (n = {first['shorter']:,})",
                ),
                Line2D([], [], **dot, marker="o", label="mean of the two"),
                Line2D([], [], color="#444444", linewidth=1.6, label="95% interval"),
                Line2D([], [], **CHANCE_LINE, label="chance"),
            ],
            loc="outside lower center",
            ncols=3,
        )
    return figure


def quoted(table: pl.DataFrame, columns: Sequence[tuple[str, str, str]], styles: Mapping[str, Mark]) -> Figure:
    """Figures the paper prints without intervals: a row per model, a panel per (column, title, axis label).

    `table` has row, column and printed; models stand in the order of the mean over the columns.
    """
    wanted = table.filter(pl.col("column").is_in([name for name, _, _ in columns]))
    order = wanted.group_by("row").agg(pl.col("printed").mean()).sort("printed", "row", descending=[True, False])
    models = order["row"].to_list()
    with style():
        per_row = min(3, len(columns))
        figure, axes = panels(len(columns), per_row, 2.9, 0.8 + 0.22 * len(models), sharey=True)
        for place, (axis, (name, title, said)) in enumerate(zip(axes, columns, strict=True)):
            cells = {
                row["row"]: row["printed"] for row in wanted.filter(pl.col("column") == name).iter_rows(named=True)
            }
            for height, model in enumerate(models):
                if model in cells:
                    axis.plot(cells[model], height, styles[model].marker, color=styles[model].colour, markersize=5)
            axis.set_title(title)
            axis.set_yticks(range(len(models)), models)
            axis.set_ylim(len(models) - 0.4, -0.6)
            axis.grid(True)
            axis.tick_params(axis="y", length=0)
            axis.set_xlabel(said)
            axis.margins(x=0.06)
            if place % per_row:
                axis.tick_params(axis="y", labelleft=False)
    return figure
