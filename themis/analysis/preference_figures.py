"""Figures of how the preference sets came about. Each takes what `preferences` returns and gives a figure."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from themis.analysis.accuracy import OVERALL, label, ordered_groups
from themis.analysis.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    first_legend,
    foreign,
    message,
    panels,
    share_axis,
    style,
)  # fmt: skip
from themis.analysis.preferences import GROUPINGS, KEPT, OTHER, SETS

NOTHING = "No pairs were assembled: there is nothing to draw."
ONE_REVIEWER = "One reviewer rated every pair: there is no agreement to measure. Name several in review.reviewers."
_COLOURS = dict(zip(SETS, (BLUE, GREEN, VERMILLION), strict=True))
_MARKERS = dict(zip(SETS, ("o", "^", "s"), strict=True))
_OUTCOMES = (VERMILLION, ORANGE, SKY, GREEN, PURPLE, BLACK)
_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def yields(table: pl.DataFrame) -> Figure:
    """Of every set and source, the share kept and the share dropped for each reason."""
    if table.is_empty():
        return message(NOTHING)
    sums = table.group_by("outcome").agg(pl.col("rows").sum()).sort("rows", "outcome", descending=[True, False])
    reasons = [one for one in sums["outcome"] if one not in (KEPT, OTHER)]
    colours = {KEPT: BLUE, **dict(zip(reasons, _OUTCOMES, strict=False)), OTHER: GREY}
    rows = table.select("set", "source", "rows_in").unique(maintain_order=True).rows()
    with style():
        figure = Figure(figsize=(9.6, 1.5 + 0.27 * len(rows)), layout="constrained")
        axis = figure.subplots()
        start = [0.0] * len(rows)
        for outcome, colour in colours.items():
            own = table.filter(pl.col("outcome") == outcome)
            found = {(row["set"], row["source"]): row["rows"] for row in own.iter_rows(named=True)}
            shares = [found.get(row[:2], 0) / row[2] for row in rows]
            if any(shares):
                axis.barh(range(len(rows)), shares, 0.72, left=start, color=colour, label=outcome)
                start = [sum(pair) for pair in zip(start, shares, strict=True)]
        for place, (_, _, came) in enumerate(rows):
            axis.text(1.01, place, f"{came:,}", va="center", fontsize=8)
        axis.text(1.01, -0.9, "pairs in", va="center", fontsize=8, color="#444444")
        axis.set_xlim(0, 1.09)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axis.xaxis.set_major_formatter(PercentFormatter(1))
        axis.set_yticks(range(len(rows)), [f"{name}: {foreign(source)}" for name, source, _ in rows], parse_math=False)
        axis.set_ylim(len(rows) - 0.4, -1.2)
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("Share of the pairs that came in (%)")
        first_legend(figure, [axis])
    return figure


def agreement(table: pl.DataFrame) -> Figure:
    """Krippendorff's alpha and weighted kappa by criterion and language."""
    looks = {
        "alpha_interval": (BLUE, "o", "Krippendorff's alpha (interval)"),
        "alpha_ordinal": (SKY, "D", "Krippendorff's alpha (ordinal)"),
        "weighted_kappa": (VERMILLION, "s", "Weighted kappa"),
    }
    if not any(table[name].count() for name in looks):
        return message(ONE_REVIEWER if table.height else NOTHING)
    with style():
        figure, (axis,) = panels(1, 1, 7.4, 1.2 + 0.27 * table.height)
        axis.axvline(0, color="#555555", linewidth=0.9)
        for shift, (name, (colour, marker, said)) in zip((-0.18, 0, 0.18), looks.items(), strict=True):
            places = [(value, at + shift) for at, value in enumerate(table[name]) if value is not None]
            if places:
                axis.plot(*zip(*places, strict=True), marker, color=colour, markersize=5, label=said)
        axis.set_xlim(min(-0.25, _least(table, looks) - 0.05), 1.02)
        axis.grid(True, axis="x")
        axis.set_yticks(
            range(table.height), [f"{label(row['group'])} ({row['pairs']:,.0f})" for row in table.iter_rows(named=True)]
        )
        axis.set_ylim(table.height - 0.4, -0.6)
        axis.set_xlabel("Agreement of the reviewers (1: always, 0: as by chance); pairs in brackets")
        first_legend(figure, [axis])
    return figure


def ratings(table: pl.DataFrame) -> Figure:
    """How often each reviewer gives which rating."""
    if table.is_empty():
        return message("No reviewer gave a rating: there is nothing to draw.")
    reviewers = table["reviewer"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(reviewers), 3, 3.6, 2.4, sharex=True)
        for axis, reviewer in zip(axes, reviewers, strict=True):
            rows = table.filter(pl.col("reviewer") == reviewer)
            axis.bar(rows["low"], rows["ratings"], 0.25, align="edge", color=BLUE, edgecolor="white", linewidth=0.5)
            axis.set_xlim(1, 5)
            axis.set_xticks(range(1, 6))
            axis.set_title(foreign(reviewer), parse_math=False)
            axis.set_xlabel("Rating")
            axis.set_ylabel("Ratings")
            _counts(axis)
    return figure


def judges(table: pl.DataFrame) -> Figure:
    """Per judge: the share of votes for the reply shown first, of ties, for chosen, and of pairs where both orders agree."""
    if table.is_empty():
        return message("No judge voted: there is nothing to draw.")
    looks = {
        "position_bias": (VERMILLION, "s", "for the reply shown first, of votes for either"),
        "chosen_share": (BLUE, "o", "for chosen, of votes for either"),
        "order_agreement": (GREEN, "^", "pairs for the same side in both orders"),
        "tie_share": (GREY, "D", "for a tie"),
    }
    with style():
        figure, (axis,) = panels(1, 1, 7.4, 1.5 + 0.4 * table.height)
        for name, (colour, marker, said) in looks.items():
            places = [(value, at) for at, value in enumerate(table[name]) if value is not None]
            if places:
                axis.plot(*zip(*places, strict=True), marker, color=colour, markersize=6, label=said, clip_on=False)
        share_axis(axis)
        names = [f"{foreign(row['judge'])} ({row['votes']:,.0f} votes)" for row in table.iter_rows(named=True)]
        axis.set_yticks(range(table.height), names, parse_math=False)
        axis.set_ylim(table.height - 0.4, -0.6)
        axis.set_xlabel("Share of votes, or of pairs (%)")
        first_legend(figure, [axis])
    return figure


def sizes(table: pl.DataFrame) -> Figure:
    """Lengths of chosen and rejected responses, a panel per set."""
    if table.is_empty():
        return message(NOTHING)
    names = table["set"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(names), 3, 3.6, 2.7)
        for axis, name in zip(axes, names, strict=True):
            rows = table.filter(pl.col("set") == name)
            ends = sorted(set(rows["shortest"]))
            for shift, colour, side in ((-0.2, BLUE, "chosen"), (0.2, VERMILLION, "rejected")):
                own = rows.filter(pl.col("side") == side)
                axis.bar(
                    [ends.index(low) + shift for low in own["shortest"]], own["pairs"], 0.4, color=colour, label=side
                )
            axis.set_xticks(range(0, len(ends), 2), [f"{low:,}" for low in ends[::2]], rotation=45)
            axis.set_title(SETS[name])
            axis.set_xlabel("Characters, at least")
            axis.set_ylabel("Pairs")
            _counts(axis)
        first_legend(figure, axes)
    return figure


def longer(table: pl.DataFrame) -> Figure:
    """How often chosen is the longer, before balancing (open) and after it (filled), a panel per grouping."""
    if table.is_empty():
        return message(NOTHING)
    tables = {by: table.filter(pl.col("by") == by) for by in GROUPINGS}
    groups = {by: list(dict.fromkeys([OVERALL, *ordered_groups(own["group"].unique())])) for by, own in tables.items()}
    heights = [0.42 * len(found) + 0.7 for found in groups.values()]
    with style():
        figure = Figure(figsize=(7.8, sum(heights) + 0.6), layout="constrained")
        axes = figure.subplots(len(tables), 1, height_ratios=heights)
        for axis, (by, own) in zip(axes, tables.items(), strict=True):
            _longer(axis, own, groups[by])
            axis.set_title({"source": "By source or subset", "aspect": "By criterion", "language": "By language"}[by])
        axes[-1].set_xlabel("Chosen is the longer (% of pairs that differ in length; 95% interval)")
        first_legend(figure, axes)
    return figure


def _longer(axis: Axes, table: pl.DataFrame, groups: list[str]) -> None:
    share_axis(axis)
    for offset, (name, said) in enumerate(SETS.items()):
        for moment, filled in (("before", "white"), ("after", _COLOURS[name])):
            shift = 0.26 * (offset - 1) + (0.07 if filled != "white" else -0.07)
            rows = table.filter(pl.col("set") == name, pl.col("moment") == moment).drop_nulls("share")
            for place, row in enumerate(rows.iter_rows(named=True)):
                y = groups.index(row["group"]) + shift
                axis.plot([row["low"], row["high"]], [y, y], color=_COLOURS[name], linewidth=1.1)
                look = {"color": _COLOURS[name], "markerfacecolor": filled, "markersize": 4.5, "linestyle": ""}
                shown = f"{said}, {moment} balancing" if not place else None
                axis.plot(row["share"], y, _MARKERS[name], **look, label=shown, clip_on=False)
    axis.set_yticks(range(len(groups)), [foreign(label(group)) for group in groups], parse_math=False)
    axis.set_ylim(len(groups) - 0.4, -0.6)


def _counts(axis: Axes) -> None:
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.yaxis.set_major_formatter(_THOUSANDS)


def _least(table: pl.DataFrame, names: Iterable[str]) -> float:
    return min(value for name in names for value in table[name].drop_nulls())
