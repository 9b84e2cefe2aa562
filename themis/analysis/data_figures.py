"""Figures of the pairs: composition, lengths, classifiers. Each takes a table and returns a figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from themis.analysis.accuracy import label, ordered_groups
from themis.analysis.drawing import BLUE, GREEN, VERMILLION, first_legend, panels, share_axis, style


def counts(tables: Mapping[str, pl.DataFrame], noun: str = "pairs") -> Figure:
    """Pairs, or what `noun` says, by criterion and language: a grid per data set. Values are what `composition.composition` returns."""
    languages = ordered_groups({language for table in tables.values() for language in table["language"]})
    grids = {name: _grid(table, languages) for name, table in tables.items()}
    heights = [0.32 * max(len(grid), 1) + 0.55 for grid in grids.values()]
    with style():
        options = {"height_ratios": heights, "squeeze": False}
        figure = Figure(figsize=(7.8, sum(heights)), layout="constrained")
        axes = figure.subplots(len(grids), 1, **options).ravel()
        for axis, (name, grid) in zip(axes, grids.items(), strict=True):
            values = np.array(list(grid.values())).reshape(len(grid), len(languages))
            top = max(int(values.max(initial=0)), 1)
            if values.size:
                axis.imshow(values, cmap="Blues", vmin=0, vmax=1.25 * top, aspect="auto")
            for (row, column), value in np.ndenumerate(values):
                colour = "white" if value > 0.7 * top else "black" if value else "#999999"
                axis.text(column, row, f"{value:,}", ha="center", va="center", color=colour)
            axis.set_xticks(range(len(languages)), [label(language) for language in languages])
            axis.set_yticks(range(len(grid)), [label(aspect) for aspect in grid])
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
            axis.set_title(f"{name}: {values.sum():,} {noun}")
    return figure


def longer_dots(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """Share of pairs whose chosen response is the longer, by criterion, with 95% intervals; a colour per data set.

    Values are what `composition.lengths` returns.
    """
    groups = list(dict.fromkeys(group for table in tables.values() for group in table["aspect"]))
    groups = [*groups[:1], *ordered_groups(groups[1:])]
    with style():
        figure, (axis,) = panels(1, 1, 6.4, 1.1 + 0.36 * len(groups))
        for offset, (colour, marker, (name, table)) in enumerate(
            zip((BLUE, VERMILLION, GREEN), ("o", "s", "^"), tables.items(), strict=False)
        ):
            shift = 0.22 * (offset - (len(tables) - 1) / 2)
            for place, row in enumerate(table.iter_rows(named=True)):
                y = groups.index(row["aspect"]) + shift
                axis.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.4)
                axis.plot(row["share_longer"], y, marker, color=colour, markersize=5, label=name if not place else None)
        share_axis(axis)
        axis.set_yticks(range(len(groups)), [label(group) for group in groups])
        axis.set_ylim(len(groups) - 0.4, -0.6)
        axis.set_xlabel("Chosen response is the longer (% of pairs; 95% interval)")
        first_legend(figure, [axis])
    return figure


def classifier_dots(table: pl.DataFrame) -> Figure:
    """Precision and recall of the criteria's classifiers with 95% intervals; `table` is from `classifiers.held_out`."""
    criteria = table["criterion"].unique(maintain_order=True).to_list()
    looks = {"precision": (BLUE, "o", -0.13), "recall": (VERMILLION, "s", 0.13)}
    with style():
        figure, (axis,) = panels(1, 1, 6.4, 1.1 + 0.36 * max(len(criteria), 1))
        for row in table.filter(pl.col("value").is_not_null()).iter_rows(named=True):
            colour, marker, shift = looks[row["metric"]]
            y = criteria.index(row["criterion"]) + shift
            if row["low"] is not None:
                axis.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.4)
            shown = {"color": colour, "markersize": 5, "clip_on": False, "linestyle": ""}
            axis.plot(row["value"], y, marker, **shown, label=row["metric"].capitalize())
        share_axis(axis, chance=False)
        axis.set_yticks(range(len(criteria)), [label(criterion) for criterion in criteria])
        axis.set_ylim(max(len(criteria), 1) - 0.4, -0.6)
        axis.set_xlabel("Share of held-out commits (%; 95% interval)")
        first_legend(figure, [axis])
    return figure


def _grid(table: pl.DataFrame, languages: list[str]) -> dict[str, list[int]]:
    """A row of counts per aspect, a column per language."""
    rows: dict[str, list[int]] = {}
    for row in table.iter_rows(named=True):
        rows.setdefault(row["aspect"], [0] * len(languages))[languages.index(row["language"])] = row["n"]
    return rows
