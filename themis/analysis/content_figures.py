"""Figures of what was read and deduplicated. Each takes what `contents` returns and gives a figure for `drawing.save`."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from themis.analysis.attrition import SPLITS
from themis.analysis.drawing import BLUE, GREEN, SKY, VERMILLION, first_legend, foreign, message, style

NOTHING = "No contents were read: there is nothing to draw."
_COLOURS = {"train": BLUE, "benchmark": VERMILLION}
_WIDE = 9.6  # inches
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def sizes(bins: pl.DataFrame) -> Figure:
    """Sizes of the files before and after the change, and lines added and removed. `bins` is what `contents.bins`
    returns."""
    if bins.is_empty():
        return message(NOTHING)
    with style():
        figure = Figure(figsize=(_WIDE, 3.2), layout="constrained")
        first, second = figure.subplots(1, 2)
        _pair(first, bins, ("old_bytes", "new_bytes"), "Size of the file (bytes)")
        _pair(second, bins, ("added", "removed"), "Lines")
        first.set_title("Files")
        second.set_title("Changes (a line that only moved counts as neither)")
    return figure


def outcomes(reasons: pl.DataFrame, encodings: pl.DataFrame) -> Figure:
    """Why contents are missing, and how those read were encoded, by split. Tables are what `contents.outcomes` and
    `contents.encodings` return."""
    if reasons.is_empty() and encodings.is_empty():
        return message(NOTHING)
    with style():
        rows = max(reasons.height, encodings.height, 2)
        figure = Figure(figsize=(_WIDE, 1.2 + 0.26 * rows), layout="constrained")
        axes = figure.subplots(1, 2)
        shown = {"Why contents are missing": reasons, "Encodings (old, new where they differ)": encodings}
        for axis, (title, table) in zip(axes, shown.items(), strict=True):
            _by_split(axis, table, rows)
            axis.set_title(title)
        first_legend(figure, axes)
    return figure


def clusters(sizes: pl.DataFrame) -> Figure:
    """Groups of near-duplicates by size, and the commits in them. `sizes` is what `contents.clusters` returns."""
    if sizes.is_empty():
        return message(NOTHING)
    ends = zip(sizes["fewest"], sizes["most"], strict=True)
    names = [f"{low:,}" if low == high else f"{low:,}–{high:,}" for low, high in ends]
    with style():
        figure = Figure(figsize=(_WIDE, 1.1 + 0.26 * max(sizes.height, 3)), layout="constrained")
        for axis, (column, colour) in zip(figure.subplots(1, 2), (("clusters", SKY), ("rows", GREEN)), strict=True):
            counts = sizes[column].to_list()
            axis.barh(range(len(counts)), counts, 0.72, color=colour)
            for place, count in enumerate(counts):
                axis.text(count + 0.015 * max(counts), place, f"{count:,}", va="center", fontsize=8)
            axis.set_xlim(0, max(counts) * 1.16)
            axis.set_yticks(range(len(counts)), names)
            axis.set_ylim(max(len(counts), 3) - 0.4, -0.6)
            axis.set_ylabel("Members of the group")
            _count_axis(axis, {"clusters": "Groups", "rows": "Commits in groups of this size"}[column])
    return figure


def _pair(axis: Axes, bins: pl.DataFrame, quantities: tuple[str, str], name: str) -> None:
    """Two quantities as bars side by side, over bins that double."""
    shown = bins.filter(pl.col("quantity").is_in(quantities))
    ends = shown.select("shortest", "longest").unique().sort("shortest").rows()
    place = {low: at for at, (low, _) in enumerate(ends)}
    for shift, colour, quantity in zip((-0.2, 0.2), (BLUE, VERMILLION), quantities, strict=True):
        rows = shown.filter(pl.col("quantity") == quantity)
        at = np.array([place[low] for low in rows["shortest"]]) + shift
        axis.bar(at, rows["commits"].to_list(), 0.4, color=colour, label=rows["said"][0])
    step = -(-len(ends) // 8)
    axis.set_xticks(range(0, len(ends), step), [_size(low) for low, _ in ends[::step]])
    axis.set_xlabel(f"{name}, at least")
    axis.set_ylabel("Commits")
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.yaxis.set_major_formatter(_THOUSANDS)
    axis.set_ylim(0, 1.2 * max(shown["commits"]))
    axis.legend(loc="upper right", ncols=2)


def _by_split(axis: Axes, table: pl.DataFrame, room: int) -> None:
    start = [0] * table.height
    for split, said in SPLITS.items():
        counts = table[split].to_list()
        axis.barh(range(table.height), counts, 0.72, left=start, color=_COLOURS[split], label=said)
        start = [sum(pair) for pair in zip(start, counts, strict=True)]
    widest = max([*start, 1])
    for place, whole in enumerate(start):
        axis.text(whole + 0.015 * widest, place, f"{whole:,}", va="center", fontsize=8)
    axis.set_xlim(0, widest * 1.2)
    axis.set_yticks(range(table.height), [foreign(value) for value in table[table.columns[0]]], parse_math=False)
    axis.set_ylim(room - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    if table.is_empty():
        axis.text(0.02, 0.9, "none", transform=axis.transAxes, color="#444444")
    _count_axis(axis, "Commits")


def _count_axis(axis: Axes, name: str) -> None:
    axis.set_xlabel(name)
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axis.xaxis.set_major_formatter(_THOUSANDS)


def _size(number: int) -> str:
    """1,024 and its multiples as K and M."""
    for unit, name in ((1 << 20, "M"), (1 << 10, "K")):
        if number >= unit:
            return f"{number // unit}{name}"
    return str(number)
