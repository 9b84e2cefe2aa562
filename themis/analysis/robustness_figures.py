"""Figures and the table of robustness: what each perturbation does to accuracy, to preferences and to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from themis.analysis.drawing import Mark, message, panels, style
from themis.analysis.tables import estimate
from themis.vocabulary import PERTURBATIONS

MOST = 7  # models in a figure: more could not be told apart

_ZERO = {"color": "#555555", "linewidth": 0.9, "zorder": 1}


def changes(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Change of accuracy and share of outcomes flipped, with 95% intervals, a row per perturbation and a mark per model.

    `table` has schema "robustness"; of more than MOST models those of the highest accuracy before are drawn.
    """
    parts = (
        ("Accuracy after less before", "change", "change_low", "change_high"),
        ("Outcomes that are others", "flip_rate", "flip_low", "flip_high"),
    )
    return _drawn(table, styles, parts, PercentFormatter(1, decimals=0, symbol=""), ("points", "% of pairs"))


def shifts(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Mean change of the score of either response, in standard deviations of the model's scores, with 95% intervals."""
    scaled = table.with_columns(
        (pl.col(f"{side}_shift{end}") / pl.col("spread")).alias(f"{side}{end}")
        for side in ("chosen", "rejected")
        for end in ("", "_low", "_high")
    ).filter(pl.col("spread") > 0)
    parts = (
        ("Score of the right response", "chosen", "chosen_low", "chosen_high"),
        ("Score of the wrong response", "rejected", "rejected_low", "rejected_high"),
    )
    return _drawn(scaled, styles, parts, None, ("standard deviations",) * 2)


def shown(table: pl.DataFrame) -> pl.DataFrame:
    """The table of schema "robustness", to read."""
    titles = (
        "Model", "Perturbation", "Pairs", "Missing", "Not applicable", "Accuracy before", "after", "Strict",
        "Change (points)", "Flipped", "Chosen moves by", "Rejected moves by",
    )  # fmt: skip
    rows = [
        (
            row["model"],
            PERTURBATIONS[row["perturbation"]].title,
            *(f"{row[name]:,}" for name in ("n", "missing", "not_applicable")),
            _share(row["plain_half_credit"]),
            _estimate(row, "half_credit", "low", "high"),
            _estimate(row, "strict", "strict_low", "strict_high"),
            _points(row),
            _estimate(row, "flip_rate", "flip_low", "flip_high"),
            _moved(row, "chosen"),
            _moved(row, "rejected"),
        )
        for row in table.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(titles, pl.String), orient="row")


def _drawn(
    table: pl.DataFrame,
    styles: Mapping[str, Mark],
    parts: Sequence[tuple[str, str, str, str]],
    formatter: PercentFormatter | None,
    units: Sequence[str],
) -> Figure:
    known = table.filter(pl.col("n") > 0)
    if known.is_empty():
        return message("Not shown: no pair was scored both as it is and under a perturbation.")
    order = known.group_by("model", maintain_order=True).agg(pl.col("plain_half_credit").mean())
    models = order.sort("plain_half_credit", descending=True, maintain_order=True)["model"].head(MOST).to_list()
    names = [name for name in PERTURBATIONS if name in set(known["perturbation"])]
    heights = _heights(names)
    with style():
        figure, axes = panels(len(parts), 2, 4.3, 1.3 + 0.075 * len(names) * (2 + len(models)), sharey=True)
        for axis, (title, value, low, high), unit in zip(axes, parts, units, strict=True):
            for place, model in enumerate(models):
                mark, offset = styles[model], 0.7 * ((place + 0.5) / len(models) - 0.5)
                for row in known.filter(pl.col("model") == model).iter_rows(named=True):
                    height = heights[row["perturbation"]] + offset
                    axis.plot([row[low], row[high]], [height] * 2, color=mark.colour, linewidth=1.2)
                    axis.plot(row[value], height, mark.marker, color=mark.colour, markersize=4)
            axis.axvline(0, **_ZERO)
            axis.set_title(title)
            axis.set_xlabel(unit)
            axis.grid(True, axis="x")
            if formatter:
                axis.xaxis.set_major_formatter(formatter)
        _rows(axes[0], heights)
        handles = [
            Line2D([], [], color=styles[model].colour, marker=styles[model].marker, markersize=4, label=model)
            for model in models
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _heights(names: Sequence[str]) -> dict[str, float]:
    """Where each perturbation stands: the hacks of one response, of the other, then the forms, with room between them."""
    found: dict[str, float] = {}
    height, group = 0.0, None
    for name in names:
        one = PERTURBATIONS[name]
        now = one.side if one.kind == "hack" else one.kind
        height += 1.6 if group not in (None, now) else 1.0
        group = now
        found[name] = height
    return found


def _rows(axis: Axes, heights: Mapping[str, float]) -> None:
    axis.set_yticks(list(heights.values()), [PERTURBATIONS[name].title for name in heights])
    axis.set_ylim(max(heights.values()) + 0.7, min(heights.values()) - 0.7)
    axis.tick_params(axis="y", length=0)


def _estimate(row: dict, value: str, low: str, high: str) -> str:
    return estimate(row[value], row[low], row[high])


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _points(row: dict) -> str:
    if row["change"] is None:
        return "–"
    return f"{100 * row['change']:+.1f} [{100 * row['change_low']:+.1f} {100 * row['change_high']:+.1f}]"


def _moved(row: dict, side: str) -> str:
    names = [f"{side}_shift{end}" for end in ("", "_low", "_high")]
    if row[names[0]] is None:
        return "–"
    value, low, high = (row[name] for name in names)
    return f"{value:+.3g} [{low:+.3g} {high:+.3g}]"
