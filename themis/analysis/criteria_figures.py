"""Figures of RQ1: how accuracy grows with size, what ties hide, families seen in training, calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from themis.analysis.accuracy import IN_FAMILY, MACRO, OUT_OF_FAMILY, label, ranking
from themis.analysis.drawing import CHANCE, CHANCE_LINE, GREY, Mark, message, panels, share_axis, style
from themis.registry import reference_model

_SIZES = (0.6, 1.7, 4, 8, 14, 32, 70)
_ENOUGH = 10  # pairs of a bin from which its point is drawn
_TIED = 0.001  # tie rate from which a model is shown among those that tie


def scaling_data(table: pl.DataFrame) -> pl.DataFrame:
    """The accuracies of models whose size is known, with family and size (billions of parameters)."""
    facts = [reference_model(model) for model in table["model"]]
    return table.with_columns(
        family=pl.Series([fact.family for fact in facts], dtype=pl.String),
        kind=pl.Series([fact.kind for fact in facts], dtype=pl.String),
        size=pl.Series([fact.size for fact in facts], dtype=pl.Float64),
    ).filter(pl.col("size").is_not_null(), pl.col("group") != MACRO)


def scaling(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Half-credit accuracy against size, a panel per group: a line per family of two sizes or more, the others grey.

    `table` is what `scaling_data` returns. Where a family has several models of a size, its line takes their mean.
    """
    lines = _families_with_sizes(table)
    if not lines:
        return message("Not shown: this study has no family of models of two known sizes or more.")
    groups = table["group"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(groups), 3, 3.5, 2.9, sharex=True, sharey=True)
        for axis, group in zip(axes, groups, strict=True):
            part = table.filter(pl.col("group") == group)
            others = part.filter(~pl.struct("family", "kind").is_in(lines))
            axis.plot(others["size"], others["half_credit"], ".", color=GREY, markersize=5, zorder=1)
            for line in lines:
                own = part.filter(pl.col("family") == line["family"], pl.col("kind") == line["kind"]).sort("size")
                mark = styles[own["model"][0]]
                mean = own.group_by("size").agg(pl.col("half_credit").mean()).sort("size")
                axis.plot(mean["size"], mean["half_credit"], color=mark.colour, linewidth=1.4, alpha=0.9)
                axis.vlines(own["size"], own["low"], own["high"], color=mark.colour, linewidth=1, alpha=0.6)
                axis.plot(own["size"], own["half_credit"], mark.marker, color=mark.colour, markersize=4.5)
            axis.axhline(CHANCE, **CHANCE_LINE)
            axis.set_title(f"{label(group)} (n\u00a0=\u00a0{part['n'][0]:,})")
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(FixedLocator(_SIZES))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
            axis.yaxis.set_major_formatter(PercentFormatter(1))
            axis.grid(True, axis="y")
        for place, axis in enumerate(axes):
            axis.tick_params(axis="x", labelbottom=place + 3 >= len(axes))
            if place + 3 >= len(axes):
                axis.set_xlabel("Parameters (billions)")
            if place % 3 == 0:
                axis.set_ylabel("Accuracy (% of pairs)")
        handles = [_family_handle(line, table, styles) for line in lines]
        handles.append(Line2D([], [], marker=".", linestyle="", color=GREY, label="models of one size"))
        handles.append(Line2D([], [], **CHANCE_LINE, label="chance"))
        figure.legend(handles=handles, loc="outside lower center", ncols=7)
    return figure


def tie_handling(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """What counting ties as wrong costs: accuracy with a tie wrong, half right, and over untied pairs alone.

    `table` is what `discrepancies.tie_corrections` returns; models that tie in less than one pair in a thousand are left out.
    """
    rows = table.filter(pl.col("tie_rate") >= _TIED)
    if rows.is_empty():
        return message("Not shown: no model of this study gives both responses of a pair the same score.")
    with style():
        figure, (axis,) = panels(1, 1, 7.2, 0.9 + 0.28 * rows.height)
        for place, row in enumerate(rows.iter_rows(named=True)):
            mark = styles[row["model"]]
            axis.plot([row["strict"], row["half_credit"]], [place, place], color=mark.colour, linewidth=2, alpha=0.5)
            axis.plot(row["strict"], place, mark.marker, color=mark.colour, markerfacecolor="white", markersize=6)
            axis.plot(row["half_credit"], place, mark.marker, color=mark.colour, markersize=6)
            if row["decided"] is not None:
                axis.plot(row["decided"], place, "|", color=mark.colour, markersize=11, markeredgewidth=1.8)
        names = [f"{row['model']} ({row['tie_rate']:.1%} tied)" for row in rows.iter_rows(named=True)]
        axis.set_yticks(range(rows.height), names)
        axis.set_ylim(rows.height - 0.4, -0.6)
        share_axis(axis)
        axis.set_xlabel("Accuracy (% of pairs)")
        dot = {"linestyle": "", "color": "#444444"}
        figure.legend(
            handles=[
                Line2D([], [], **dot, marker="o", markerfacecolor="white", label="a tie is wrong"),
                Line2D([], [], **dot, marker="o", label="a tie counts half"),
                Line2D([], [], **dot, marker="|", markersize=10, markeredgewidth=1.8, label="untied pairs only"),
                Line2D([], [], **CHANCE_LINE, label="chance"),
            ],
            loc="outside lower center",
            ncols=4,
        )
    return figure


def contamination(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Accuracy on subsets whose families are in the training mix too, and on the others, with 95% intervals.

    `table` is the accuracy table of the grouping `family`.
    """
    if table.is_empty() or table["group"].n_unique() < 4:
        return message("Not shown: the study names no subset of the benchmark that is apart from the training mix.")
    order = ranking(table)
    rows = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    with style():
        figure, (axis,) = panels(1, 1, 7.4, 1.0 + 0.22 * len(order))
        for place, model in enumerate(order):
            mark = styles[model]
            for group, shift, face in ((IN_FAMILY, -0.16, mark.colour), (OUT_OF_FAMILY, 0.16, "white")):
                row = rows[model, group]
                axis.plot([row["low"], row["high"]], [place + shift] * 2, color=mark.colour, linewidth=1.3)
                axis.plot(
                    row["half_credit"],
                    place + shift,
                    mark.marker,
                    color=mark.colour,
                    markerfacecolor=face,
                    markersize=4.5,
                )
        axis.set_yticks(range(len(order)), order)
        axis.set_ylim(len(order) - 0.4, -0.6)
        share_axis(axis)
        axis.grid(True, axis="x")
        axis.set_xlabel("Accuracy (% of pairs; a tie counts half)")
        sizes = {group: rows[order[0], group]["n"] for group in (IN_FAMILY, OUT_OF_FAMILY)}
        dot = {"linestyle": "", "color": "#444444", "marker": "o"}
        figure.legend(
            handles=[
                Line2D([], [], **dot, label=f"families trained on (n = {sizes[IN_FAMILY]:,})"),
                Line2D([], [], **dot, markerfacecolor="white", label=f"other families (n = {sizes[OUT_OF_FAMILY]:,})"),
                Line2D([], [], color="#444444", linewidth=1.3, label="95% interval"),
                Line2D([], [], **CHANCE_LINE, label="chance"),
            ],
            loc="outside lower center",
            ncols=2,
        )
    return figure


def calibration(table: pl.DataFrame, curves: pl.DataFrame, shown: list[str], styles: Mapping[str, Mark]) -> Figure:
    """Expected calibration error before and after one temperature, and the reliability curves of the models `shown`.

    Points of fewer than ten pairs are left out. `table` and `curves` are what `calibration.calibration` returns.
    """
    rows = table.filter(pl.col("ece").is_not_null()).sort("ece_scaled", "model")
    if rows.is_empty():
        return message("Not shown: too few pairs to fit and judge a temperature.")
    with style():
        height = max(4.6, 1.0 + 0.19 * rows.height)
        figure = Figure(figsize=(10.2, height), layout="constrained")
        grid = figure.add_gridspec(3, 2, width_ratios=(1.25, 1), height_ratios=(1, 1, 0.3))
        errors = figure.add_subplot(grid[:, 0])
        for place, row in enumerate(rows.iter_rows(named=True)):
            mark = styles[row["model"]]
            errors.plot([row["ece"], row["ece_scaled"]], [place, place], color=mark.colour, linewidth=1.6, alpha=0.45)
            errors.plot(row["ece"], place, mark.marker, color=mark.colour, markerfacecolor="white", markersize=4.5)
            errors.plot(row["ece_scaled"], place, mark.marker, color=mark.colour, markersize=4.5)
        errors.set_yticks(range(rows.height), rows["model"].to_list())
        errors.set_ylim(rows.height - 0.4, -0.6)
        errors.set_xlim(0, None)
        errors.xaxis.set_major_formatter(PercentFormatter(1))
        errors.grid(True, axis="x")
        errors.set_xlabel("Expected calibration error (points of probability)")
        dot = {"linestyle": "", "color": "#444444", "marker": "o"}
        figure.legend(
            handles=[
                Line2D([], [], **dot, markerfacecolor="white", label="scores as they are"),
                Line2D([], [], **dot, label="after one temperature"),
                Line2D([], [], **CHANCE_LINE, label="calibrated"),
            ],
            loc="outside lower center",
            ncols=3,
        )
        for place, (scaled, title) in enumerate(((False, "Scores as they are"), (True, "After one temperature"))):
            axis = figure.add_subplot(grid[place, 1])
            _reliability(axis, curves.filter(pl.col("scaled") == scaled), shown, styles)
            axis.set_title(title)
            if place:
                axis.set_xlabel("Probability given to the preferred response")
        names = figure.add_subplot(grid[2, 1])
        names.axis("off")
        handles = [Line2D([], [], color=styles[m].colour, marker=styles[m].marker, markersize=4) for m in shown]
        names.legend(handles, shown, loc="center", ncols=2, fontsize=7.5)
    return figure


def _reliability(axis: Axes, curves: pl.DataFrame, shown: list[str], styles: Mapping[str, Mark]) -> None:
    axis.plot([0.5, 1], [0.5, 1], **CHANCE_LINE)
    drawn = curves.filter(pl.col("model").is_in(shown), pl.col("n") >= _ENOUGH)
    for model in shown:
        own = drawn.filter(pl.col("model") == model).sort("bin")
        mark = styles[model]
        axis.plot(
            own["confidence"], own["accuracy"], marker=mark.marker, color=mark.colour, linewidth=1.2, markersize=4
        )
    axis.set_xlim(0.5, 1.005)
    least = 0.5 if drawn.is_empty() else min(0.5, float(drawn["accuracy"].min()))
    axis.set_ylim(np.floor(least * 10 - 0.2) / 10, 1.02)
    for part in (axis.xaxis, axis.yaxis):
        part.set_major_formatter(PercentFormatter(1))
    axis.set_ylabel("Pairs it is right in")
    axis.grid(True)


def _families_with_sizes(table: pl.DataFrame) -> list[dict[str, str]]:
    sizes = table.group_by("family", "kind", maintain_order=True).agg(pl.col("size").n_unique())
    return sizes.filter(pl.col("size") > 1).select("family", "kind").to_dicts()


def _family_handle(line: dict[str, str], table: pl.DataFrame, styles: Mapping[str, Mark]) -> Line2D:
    model = table.filter(pl.col("family") == line["family"], pl.col("kind") == line["kind"])["model"][0]
    mark = styles[model]
    return Line2D([], [], color=mark.colour, marker=mark.marker, markersize=4.5, label=line["family"])
