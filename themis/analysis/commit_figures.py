"""Figures of what was mined and selected. Each takes what `commits` returns and gives a figure for `drawing.save`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from themis.analysis.attrition import SPLITS
from themis.analysis.commits import MINED
from themis.analysis.drawing import BLUE, GREY, SKY, VERMILLION, foreign, message, style

Window = tuple[str, str]  # first day and first day after, YYYY-MM-DD; an end that is open is empty
NOTHING = "No commit was mined: there is nothing to draw."
_COLOURS = {MINED: GREY, "train": BLUE, "benchmark": VERMILLION}
_LABELS = {MINED: "mined, not selected", "train": "selected for training", "benchmark": "selected for the benchmark"}
_WIDE = 9.6  # inches


def bars(tables: Mapping[str, pl.DataFrame], widths: Sequence[float] | None = None) -> Figure:
    """A bar per value, a panel per table under its title: of the mined commits those selected in colour.

    Values are what `commits.top` returns.
    """
    if not any(table[MINED].sum() for table in tables.values()):
        return message(NOTHING)
    rows = max(3, *(table.height for table in tables.values()))
    with style():
        figure = Figure(figsize=(_WIDE, 1.15 + 0.24 * rows), layout="constrained")
        axes = figure.subplots(1, len(tables), squeeze=False, width_ratios=widths).ravel()
        for axis, (title, table) in zip(axes, tables.items(), strict=True):
            _horizontal(axis, table, rows)
            axis.set_title(title)
        _legend(figure)
    return figure


def times(months: pl.DataFrame, years: pl.DataFrame, windows: Mapping[str, Window]) -> Figure:
    """Commits by year, and by month with each split's time window shaded. Tables are what `commits.months` and
    `commits.years` return."""
    if months.is_empty():
        return message(NOTHING)
    with style():
        figure = Figure(figsize=(_WIDE, 4.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, height_ratios=(1, 1.25))
        places = range(years.height)
        _stacked(upper, places, years, 0.8)
        step = -(-years.height // 24)
        upper.set_xticks(places[::step], years["value"].to_list()[::step])
        upper.set_title("By year")
        days = [dates.date2num(day) for day in months["month"]]
        _stacked(lower, days, months, 31.0, align="edge")
        lower.set_title("By month, and the time window of each split")
        lower.set_xlim(days[0] - 20, days[-1] + 51)
        locator = dates.AutoDateLocator(maxticks=10)
        lower.xaxis.set_major_locator(locator)
        lower.xaxis.set_major_formatter(dates.AutoDateFormatter(locator))
        _shade(lower, windows)
        lower.set_xlabel("Date of the commit (UTC)")
        for axis in (upper, lower):
            axis.set_ylabel("Commits")
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.yaxis.set_major_formatter(_THOUSANDS)
        _legend(figure)
    return figure


def messages(lengths: pl.DataFrame, words: pl.DataFrame, patterns: pl.DataFrame) -> Figure:
    """How long messages are, which words they begin with and what they show. Tables are what `commits.lengths`
    and `commits.top` return."""
    if lengths.is_empty():
        return message(NOTHING)
    with style():
        tall, low = max(words.height, 8), max(patterns.height, 2)
        figure = Figure(figsize=(_WIDE, 1.9 + 0.24 * (tall + low)), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.35), height_ratios=(tall, low + 2))
        first, second = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        third = figure.add_subplot(grid[1, :])
        _horizontal(first, words, tall)
        first.set_title("First word of the subject")
        wide = (lengths["longest"] - lengths["shortest"]).to_list()
        _stacked(second, lengths["shortest"].to_list(), lengths, wide, align="edge")
        second.set_xscale("log", base=2)
        second.xaxis.set_major_locator(LogLocator(2, numticks=8))
        second.xaxis.set_major_formatter(_THOUSANDS)
        second.xaxis.set_minor_locator(NullLocator())
        second.set_xlabel("Length of the message (characters)")
        second.set_ylabel("Commits")
        second.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        second.yaxis.set_major_formatter(_THOUSANDS)
        second.set_title("Length")
        _horizontal(third, patterns, low)
        third.set_title("What the message shows (a commit may be in several bars or in none)")
        _legend(figure)
    return figure


def repositories(largest: pl.DataFrame, sizes: pl.DataFrame) -> Figure:
    """The repositories with most commits, and how many have how many. Tables are what `commits.top` and
    `commits.repository_sizes` return."""
    if sizes.is_empty():
        return message(NOTHING)
    with style():
        figure = Figure(figsize=(_WIDE, max(1.15 + 0.24 * largest.height, 2.6)), layout="constrained")
        first, second = figure.subplots(1, 2, width_ratios=(1.25, 1))
        _horizontal(first, largest, max(largest.height, 3))
        first.set_title("Repositories with most commits")
        ends = zip(sizes["fewest"], sizes["most"], strict=True)
        names = [f"{low:,}" if low == high else f"{low:,}–{high:,}" for low, high in ends]
        second.barh(range(sizes.height), sizes["repositories"], 0.72, color=SKY)
        second.set_yticks(range(sizes.height), names)
        second.set_ylim(max(sizes.height, 3) - 0.4, -0.6)
        _count_axis(second, "Repositories")
        second.set_ylabel("Commits mined from it")
        second.set_title("Sizes of repositories")
        _legend(figure)
    return figure


_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def _parts(table: pl.DataFrame) -> dict[str, list[int]]:
    """Training, benchmark and the rest of the mined, which together are what was mined."""
    left = (table[MINED] - table["train"] - table["benchmark"]).clip(0)
    return {"train": table["train"].to_list(), "benchmark": table["benchmark"].to_list(), MINED: left.to_list()}


def _horizontal(axis: Axes, table: pl.DataFrame, room: int) -> None:
    """A bar per value; what the others come to is said and not drawn: it would leave no room for the rest."""
    drawn = table.filter(~pl.col("rest"))
    start = [0] * drawn.height
    for name, counts in _parts(drawn).items():
        axis.barh(range(drawn.height), counts, 0.72, left=start, color=_COLOURS[name])
        start = [sum(pair) for pair in zip(start, counts, strict=True)]
    widest = max([*start, 1])
    for place, (whole, rest) in enumerate(table.select(MINED, "rest").iter_rows()):
        x, said = (0, f"{whole:,} (not drawn)") if rest else (whole, f"{whole:,}")
        axis.text(x + 0.015 * widest, place, said, va="center", fontsize=8)
    axis.set_xlim(0, widest * 1.16)
    axis.set_yticks(range(table.height), [foreign(value) for value in table["value"]], parse_math=False)
    axis.set_ylim(max(room, 1) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    _count_axis(axis, "Commits")


def _stacked(
    axis: Axes, places: Sequence[float], table: pl.DataFrame, width: float | list[int], **options: str
) -> None:
    start = [0] * table.height
    for name, counts in _parts(table).items():
        edge = {"edgecolor": "white", "linewidth": 0.2}
        axis.bar(places, counts, width, bottom=start, color=_COLOURS[name], **edge, **options)
        start = [sum(pair) for pair in zip(start, counts, strict=True)]
    axis.set_ylim(0, max([*start, 1]) * 1.06)


def _shade(axis: Axes, windows: Mapping[str, Window]) -> None:
    """A bar above the panel for each window, and a faint ground below it; an open end runs to the panel's."""
    first, last = axis.get_xlim()
    top = axis.get_ylim()[1]
    axis.set_ylim(0, top * (1.12 + 0.16 * len(windows)))
    for place, (split, (since, until)) in enumerate(windows.items()):
        start, end = (dates.date2num(datetime.date.fromisoformat(day)) if day else None for day in (since, until))
        left, right = max(first, first if start is None else start), min(last, last if end is None else end)
        if left >= right:
            continue
        axis.axvspan(left, right, color=_COLOURS[split], alpha=0.08, linewidth=0, zorder=0)
        y = top * (1.1 + 0.16 * place)
        axis.plot([left, right], [y, y], color=_COLOURS[split], linewidth=3, solid_capstyle="butt")
        said = " ".join([SPLITS[split], *([f"from {since}"] if since else []), *([f"until {until}"] if until else [])])
        early = left - first < (last - first) * 0.6
        inset = 0.004 * (last - first)
        near, side = (left + inset, "left") if early else (right - inset, "right")
        axis.text(near, y + top * 0.025, said, ha=side, va="bottom", fontsize=8, color=_COLOURS[split])


def _count_axis(axis: Axes, name: str) -> None:
    axis.set_xlabel(name)
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axis.xaxis.set_major_formatter(_THOUSANDS)


def _legend(figure: Figure) -> None:
    handles = [Patch(color=_COLOURS[name], label=_LABELS[name]) for name in ("train", "benchmark", MINED)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
