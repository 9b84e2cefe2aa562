"""Figures of how training went and what came out. Each takes what `training` returns and gives a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from themis.analysis.attrition import stage_label
from themis.analysis.drawing import CHANCE, CHANCE_LINE, Mark, message, panels, share_axis, style

NOTHING = "No training measured any of this."
_LABELS = {
    "loss": "Loss (nats)",
    "accuracy": "Accuracy (% of pairs)",
    "margin": "Margin of rewards",
    "bt": "Bradley-Terry (nats)",
    "lm": "LM loss (nats per token)",
    "magnitude": "Magnitude (reward²)",
    "lr": "Learning rate",
    "grad_norm": "Gradient norm",
}


def training_curves(curves: pl.DataFrame, names: Sequence[str], styles: Mapping[str, Mark]) -> Figure:
    """The metrics `names` by optimiser step: a row of panels each, a column per stage, a colour per model.

    Bold is the running mean over the training pairs (faint as measured, where there is one model), dashed with markers
    what was measured on pairs held out. A metric that no stage has gets no row.
    """
    names = [name for name in names if name in curves["metric"]]
    stages = curves["stage"].unique(maintain_order=True).to_list()
    models = curves["model"].unique(maintain_order=True).to_list()
    if not names:
        return message(NOTHING)
    with style():
        figure, axes = panels(len(names) * len(stages), len(stages), 4.4, 1.9, sharey="row", sharex="col")
        for place, axis in enumerate(axes):
            name, stage = names[place // len(stages)], stages[place % len(stages)]
            here = curves.filter(pl.col("metric") == name, pl.col("stage") == stage)
            for model in models:
                own = here.filter(pl.col("model") == model).sort("step")
                line = own.filter(pl.col("part") == "training")
                _curve(axis, line, styles[model].colour, exact=name == "lr", faint=len(models) == 1)
                _measured(axis, own.filter(pl.col("part") == "held out"), styles[model])
            if place < len(stages):
                axis.set_title(stage_label(stage))
            if place % len(stages) == 0:
                axis.set_ylabel(_LABELS[name])
            if place >= len(axes) - len(stages):
                axis.set_xlabel("Optimiser step")
        for place, axis in enumerate(axes):  # last: an axis whose limits are set leaves what is drawn later beside it
            _dress(axis, names[place // len(stages)])
        figure.align_ylabels()
        figure.legend(handles=_legend(curves, models, styles), loc="outside lower center", ncols=3)
    return figure


def comparison_dots(compared: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Accuracy of the exported weights with 95% intervals: a panel per stage, a row per model, in the order given.

    Full marks are pairs held out, hollow diamonds below them their length-controlled accuracy, crosses the training pairs of
    models without any held out.
    """
    if compared.is_empty():
        return message(NOTHING)
    stages = compared["stage"].unique(maintain_order=True).to_list()
    models = compared["model"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(stages), 3, 4.4, 1.3 + 0.27 * len(models), sharey=True)
        for axis, stage in zip(axes, stages, strict=True):
            for row in compared.filter(pl.col("stage") == stage).iter_rows(named=True):
                _dot(axis, row, models.index(row["model"]), styles[row["model"]])
            axis.set_title(stage_label(stage))
            share_axis(axis)
            axis.set_xlabel("Accuracy (% of pairs)")
            axis.set_yticks(range(len(models)), models)
            axis.set_ylim(len(models) - 0.4, -0.6)
            axis.tick_params(axis="y", length=0)
        figure.legend(handles=_dot_legend(compared), loc="outside lower center", ncols=3)
    return figure


def _curve(axis: Axes, line: pl.DataFrame, colour: str, *, exact: bool, faint: bool) -> None:
    steps, values = line["step"].to_numpy(), line["value"]
    if exact:
        axis.plot(steps, values.to_numpy(), color=colour, linewidth=1.8)
        return
    if faint:
        axis.plot(steps, values.to_numpy(), color=colour, alpha=0.35, linewidth=0.9, marker=".", markersize=3)
    mean = values.rolling_mean(max(3, line.height // 15), min_samples=1).to_numpy()
    axis.plot(steps, mean, color=colour, linewidth=1.8)


def _measured(axis: Axes, line: pl.DataFrame, mark: Mark) -> None:
    look = {"color": mark.colour, "linestyle": (0, (3, 2)), "linewidth": 1.1, "markersize": 5}
    axis.plot(line["step"].to_numpy(), line["value"].to_numpy(), marker=mark.marker, markerfacecolor="white", **look)


def _dress(axis: Axes, name: str) -> None:
    if name == "accuracy":
        axis.axhline(CHANCE, **CHANCE_LINE)
        axis.set_ylim(0, 1.04)
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    elif name == "lr":
        axis.set_ylim(bottom=0)
        axis.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    elif name == "margin":
        axis.axhline(0, **CHANCE_LINE)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.grid(True)


def _legend(curves: pl.DataFrame, models: list[str], styles: Mapping[str, Mark]) -> list[Line2D]:
    handles = [Line2D([], [], color=styles[model].colour, linewidth=1.8, label=model) for model in models]
    handles.append(Line2D([], [], color="#444444", linewidth=1.8, label="training pairs, running mean"))
    if (curves["part"] == "held out").any():
        look = {"linestyle": (0, (3, 2)), "marker": "o", "markerfacecolor": "white", "markersize": 5}
        handles.append(Line2D([], [], color="#444444", linewidth=1.1, label="pairs held out", **look))
    return handles


def _dot(axis: Axes, row: Mapping, place: int, mark: Mark) -> None:
    if row["pairs"] is None:
        axis.plot(row["accuracy"], place, "x", color=mark.colour, markersize=5.5, clip_on=False)
        return
    axis.plot([row["low"], row["high"]], [place, place], color=mark.colour, linewidth=1.6, solid_capstyle="butt")
    axis.plot(row["accuracy"], place, mark.marker, color=mark.colour, markersize=5.5, clip_on=False)
    if row["length_controlled"] is not None:
        hollow = {"markerfacecolor": "white", "markeredgecolor": mark.colour, "markersize": 5.5}
        axis.plot(row["length_controlled"], place + 0.22, "D", linestyle="", clip_on=False, **hollow)


def _dot_legend(compared: pl.DataFrame) -> list[Line2D]:
    dot = {"linestyle": "", "color": "#444444", "markersize": 5.5}
    handles = [Line2D([], [], **CHANCE_LINE, label="chance")]
    if compared["pairs"].null_count() < compared.height:
        handles.append(Line2D([], [], marker="o", **dot, label="pairs held out"))
        handles.append(Line2D([], [], color="#444444", linewidth=1.6, label="95% interval"))
    if compared["length_controlled"].null_count() < compared.height:
        handles.append(Line2D([], [], marker="D", markerfacecolor="white", **dot, label="length-controlled"))
    if compared["pairs"].null_count():
        handles.append(Line2D([], [], marker="x", **dot, label="training pairs, last quarter of the steps"))
    return handles
