"""Figures of how well scores rank the solutions of a problem. Each takes what `reranking` returns and gives a figure."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from themis.analysis.drawing import CHANCE_LINE, Mark, message, panels, share_axis, style
from themis.analysis.panel import OVERALL
from themis.analysis.reranking import DEPTHS, HITS, ORACLE, RANDOM

NOTHING = "Not shown: in no question do some candidates pass every test and others not."
UNCORRELATED = "Not shown: in no question do both the scores and the shares of tests passed vary."
_BAND = {"alpha": 0.12, "linewidth": 0}
_ORDERS = {RANDOM: {**CHANCE_LINE, "linewidth": 1.2}, ORACLE: {"color": "#555555", "linestyle": ":", "linewidth": 1.2}}


def hits_bars(summary: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Hits@K over all questions: a panel per K, a bar per model with its 95% interval, the best at Hits@1 on top. The
    line is a random order; the oracle is at 100% by definition."""
    rows = _overall(summary, HITS)
    order = _order(rows, HITS[0])
    if not order:
        return message(NOTHING)
    with style():
        figure, axes = panels(len(DEPTHS), 3, 3.6, 1.2 + 0.3 * len(order), sharey=True)
        for axis, depth, measure in zip(axes, DEPTHS, HITS, strict=True):
            here = {row["model"]: row for row in rows.filter(pl.col("measure") == measure).iter_rows(named=True)}
            for place, model in enumerate(order):
                row = here[model]
                axis.barh(place, row["mean"], height=0.62, color=styles[model].colour, alpha=0.55)
                axis.plot([row["low"], row["high"]], [place, place], color=styles[model].colour, linewidth=1.6)
            share_axis(axis, chance=False)
            axis.axvline(here[RANDOM]["mean"], **_ORDERS[RANDOM])
            axis.set_title(f"Hits@{depth}")
            axis.set_xlabel("Questions with a hit (%)")
            _model_axis(axis, order)
        line = Line2D([], [], color="#444444", linewidth=1.6, label="95% interval")
        figure.legend(handles=[_order_line(RANDOM), line], loc="outside lower center", ncols=2)
    return figure


def best_of_n(curves: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """How often the highest scored of n candidates passes, by n, with 95% intervals as bands: a line per model, and the
    two orders that need none."""
    if curves.is_empty():
        return message("Not shown: no candidate was run against tests.")
    with style():
        figure, (axis,) = panels(1, 1, 7.2, 4.0)
        handles = []
        for (model,), own in curves.group_by("model", maintain_order=True):
            n, mean = own["n"].to_numpy(), own["mean"].to_numpy()
            if model in _ORDERS:
                axis.plot(n, mean, **_ORDERS[model])
                handles.append(_order_line(str(model)))
                continue
            mark = styles[str(model)]
            axis.fill_between(n, own["low"].to_numpy(), own["high"].to_numpy(), color=mark.colour, **_BAND)
            look = {"color": mark.colour, "marker": mark.marker, "markersize": 3.5, "linewidth": 1.6}
            axis.plot(n, mean, markevery=max(1, len(n) // 10), **look)
            handles.append(Line2D([], [], label=str(model), **look))
        axis.set_xlabel("Candidates drawn (n)")
        axis.set_ylabel("Best scored one passes (%)")
        axis.set_xlim(1, max(2, curves["n"].max()))
        axis.set_ylim(0, 1.02)
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        axis.grid(True)
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def correlations(summary: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Spearman's and Kendall's correlation of scores and shares of tests passed: means over questions with 95%
    intervals, and medians as hollow diamonds."""
    measures = {"spearman": "Spearman", "kendall": "Kendall (tau-b)"}
    rows = _overall(summary, tuple(measures))
    order = _order(rows, "spearman")
    if not order:
        return message(UNCORRELATED)
    with style():
        figure, axes = panels(len(measures), 2, 4.4, 1.2 + 0.3 * len(order), sharey=True)
        for axis, (measure, title) in zip(axes, measures.items(), strict=True):
            for row in rows.filter(pl.col("measure") == measure).iter_rows(named=True):
                place, mark = order.index(row["model"]), styles[row["model"]]
                axis.plot([row["low"], row["high"]], [place, place], color=mark.colour, linewidth=1.6)
                axis.plot(row["mean"], place, mark.marker, color=mark.colour, markersize=5)
                hollow = {"markerfacecolor": "white", "markeredgecolor": mark.colour, "markersize": 5}
                axis.plot(row["median"], place + 0.22, "D", **hollow)
            axis.axvline(0, **CHANCE_LINE)
            axis.set_xlim(-1, 1)
            axis.grid(True, axis="x")
            axis.set_title(title)
            axis.set_xlabel("Correlation with tests passed")
            _model_axis(axis, order)
        dot = {"linestyle": "", "color": "#444444", "markersize": 5}
        handles = [
            Line2D([], [], marker="o", **dot, label="mean"),
            Line2D([], [], color="#444444", linewidth=1.6, label="95% interval"),
            Line2D([], [], marker="D", markerfacecolor="white", **dot, label="median"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _overall(summary: pl.DataFrame, measures: tuple[str, ...]) -> pl.DataFrame:
    defined = pl.col("mean").is_not_null()
    return summary.filter(pl.col("group") == OVERALL, pl.col("measure").is_in(measures), defined)


def _order(rows: pl.DataFrame, measure: str) -> list[str]:
    """Models, the best first."""
    models = rows.filter(pl.col("measure") == measure, ~pl.col("model").is_in(list(_ORDERS)))
    return models.sort("mean", "model", descending=[True, False])["model"].to_list()


def _model_axis(axis: Axes, order: list[str]) -> None:
    axis.set_yticks(range(len(order)), order)
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)


def _order_line(name: str) -> Line2D:
    return Line2D([], [], label=name, **_ORDERS[name])
