"""Figures of search terms, classifiers and what they reach. Each takes a table and gives a figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from themis.analysis.accuracy import label, ordered_groups
from themis.analysis.aspects import WAYS
from themis.analysis.drawing import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    first_legend,
    message,
    panels,
    share_axis,
    style,
)  # fmt: skip
from themis.vocabulary import CODE_CRITERIA

NOTHING = "No commit was labelled: there is nothing to draw."
NO_CLASSIFIER = "No criterion had seeds enough for a classifier."
_LISTS = {"ours": (BLUE, "o", "Our terms"), "reference": (VERMILLION, "s", "Published terms")}
_DATA = {"held_out": (BLUE, "-", "Held-out seeds"), "sample": (ORANGE, "--", "Commits read by eye")}
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_STEP = 0.05  # width of a bin of probabilities


def reached(table: pl.DataFrame) -> Figure:
    """Commits of each criterion by how they were reached. `table` is what `aspects.reached` returns."""
    if not table["commits"].sum():
        return message(NOTHING)
    criteria = ordered_groups(table["aspect"].unique().to_list())
    with style():
        figure, (axis,) = panels(1, 1, 7.2, 1.2 + 0.3 * len(criteria))
        start = np.zeros(len(criteria))
        for way, colour in zip(WAYS, (BLUE, VERMILLION), strict=True):
            own = dict(table.filter(pl.col("way") == way).select("aspect", "commits").iter_rows())
            counts = np.array([own[one] for one in criteria])
            axis.barh(range(len(criteria)), counts, 0.72, left=start, color=colour, label=f"By a {way}")
            start += counts
        for place, whole in enumerate(start):
            axis.text(whole + 0.012 * start.max(), place, f"{whole:,.0f}", va="center", fontsize=8)
        axis.set_xlim(0, 1.14 * start.max())
        axis.set_yticks(range(len(criteria)), [label(one) for one in criteria])
        axis.set_ylim(len(criteria) - 0.4, -0.6)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.xaxis.set_major_formatter(_THOUSANDS)
        axis.set_xlabel("Commits")
        first_legend(figure, [axis])
    return figure


def term_quality(table: pl.DataFrame) -> Figure:
    """Precision and recall of the lists on the report half of the commits read by eye, with 95% intervals. `table` has
    schema "term_quality"."""
    shown = table.filter(pl.col("half") == "report", pl.col("value").is_not_null())
    criteria = [criterion.value for criterion in CODE_CRITERIA]
    with style():
        figure, axes = panels(2, 2, 4.6, 1.1 + 0.36 * len(criteria), sharey=True)
        for axis, measure in zip(axes, ("precision", "recall"), strict=True):
            for shift, (name, (colour, marker, said)) in zip((-0.13, 0.13), _LISTS.items(), strict=True):
                rows = shown.filter(pl.col("measure") == measure, pl.col("terms") == name)
                for row in rows.iter_rows(named=True):
                    y = criteria.index(row["criterion"]) + shift
                    axis.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.4)
                    shape = {"color": colour, "markersize": 5, "clip_on": False, "linestyle": ""}
                    axis.plot(row["value"], y, marker, **shape, label=said)
            share_axis(axis, chance=False)
            axis.set_title(measure.capitalize())
            axis.set_xlabel("Share of commits (%; 95% interval)")
        axes[0].set_yticks(range(len(criteria)), [label(one) for one in criteria])
        axes[0].set_ylim(len(criteria) - 0.4, -0.6)
        first_legend(figure, axes)
    return figure


def curves(table: pl.DataFrame, thresholds: Mapping[str, float | None]) -> Figure:
    """Precision over recall of every classifier, and the point of its threshold. `table` has schema "curves",
    `thresholds` is what `aspects.thresholds` returns."""
    criteria = ordered_groups(table["criterion"].unique().to_list())
    if not criteria:
        return message(NO_CLASSIFIER)
    with style():
        figure, axes = panels(len(criteria), 3, 3.1, 2.7)
        for axis, criterion in zip(axes, criteria, strict=True):
            chosen = thresholds.get(criterion)
            for data, (colour, line, said) in _DATA.items():
                own = table.filter(pl.col("criterion") == criterion, pl.col("data") == data).sort("threshold")
                if own.is_empty():
                    continue
                recall, precision = own["recall"].to_numpy(), own["precision"].to_numpy()
                shape = {"color": colour, "linewidth": 1.3, "clip_on": False, "marker": "." if own.height < 12 else ""}
                axis.plot(recall, precision, line, **shape, label=said)
                at = np.flatnonzero(own["threshold"].to_numpy() >= chosen) if chosen is not None else []
                if len(at):
                    axis.plot(
                        recall[at[0]], precision[at[0]], "o", color=colour, markersize=6, label="At the threshold"
                    )
            said = "not used" if chosen is None else f"threshold {chosen:.2f}"
            axis.set_title(f"{label(criterion)}\n{said}", fontsize=8.5)
            _unit(axis)
        for axis in axes:
            axis.set_xlabel("Recall (%)")
        for axis in axes[::3]:
            axis.set_ylabel("Precision (%)")
        first_legend(figure, axes)
    return figure


def probabilities(table: pl.DataFrame, thresholds: Mapping[str, float | None]) -> Figure:
    """How probable each criterion is over all commits, on a logarithmic scale, and for those it was given to. `table` is
    what `aspects.probabilities` returns, `thresholds` what `aspects.thresholds` does."""
    if table.is_empty():
        return message(NOTHING)
    criteria = ordered_groups(table["criterion"].unique().to_list())
    with style():
        figure, axes = panels(len(criteria), 3, 3.1, 2.3, sharey=True)
        for axis, criterion in zip(axes, criteria, strict=True):
            own = table.filter(pl.col("criterion") == criterion)
            middle = own["low"].to_numpy() + _STEP / 2
            axis.bar(middle, own["commits"].to_numpy(), 0.9 * _STEP, color=GREY, label="All commits")
            axis.bar(middle, own["given"].to_numpy(), 0.9 * _STEP, color=BLUE, label="Given the criterion")
            if thresholds.get(criterion) is not None:
                axis.axvline(
                    thresholds[criterion], color=VERMILLION, linewidth=1.1, label="Threshold of the classifier"
                )
            axis.set_yscale("log")
            axis.set_ylim(bottom=0.7)
            axis.yaxis.set_major_formatter(_THOUSANDS)
            axis.set_xlim(0, 1)
            axis.set_title(label(criterion), fontsize=8.5)
            axis.set_xlabel("Probability")
        for axis in axes[::3]:
            axis.set_ylabel("Commits")
        first_legend(figure, axes)
    return figure


def _unit(axis: Axes) -> None:
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.03)
    for side in (axis.xaxis, axis.yaxis):
        side.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axis.grid(True)
