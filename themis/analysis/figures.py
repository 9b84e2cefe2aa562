"""Figures of the results: accuracy, margins, training. Each takes a table and returns a figure for `drawing.save`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from themis.analysis.accuracy import MACRO, label, ranking
from themis.analysis.attrition import stage_label
from themis.analysis.drawing import CHANCE, CHANCE_LINE, GREEN, GREY, Mark, first_legend, panels, share_axis, style

_MANY = 12  # models from which panels stand in one row, each a column of the list


def accuracy_dots(table: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Half-credit accuracy with 95% intervals: a panel per group, a row per model, the best on top.

    `table` is what `accuracy.accuracy` returns. A hollow mark is the strict accuracy, where ties make it differ.
    """
    order = ranking(table)
    groups = [group for group in table["group"].unique(maintain_order=True) if group != MACRO]
    columns = 3 if len(order) <= _MANY else min(len(groups), 6)
    with style():
        height = 0.75 + 0.25 * len(order)
        figure, axes = panels(len(groups), columns, 3.3 if columns == 3 else 2.6, height, sharey=True, sharex=True)
        for axis, group in zip(axes, groups, strict=True):
            part = {row["model"]: row for row in table.filter(pl.col("group") == group).iter_rows(named=True)}
            for place, model in enumerate(order):
                _dot(axis, part[model], place, styles[model])
            size = f"(n\u00a0=\u00a0{part[order[0]]['n']:,})"
            axis.set_title(textwrap.fill(f"{label(group)} {size}", 38 if columns == 3 else 26))
            share_axis(axis)
            axis.set_yticks(range(len(order)), order)
            axis.set_ylim(len(order) - 0.4, -0.6)
        _outer_labels(axes, columns, "Accuracy (% of pairs)")
        figure.legend(handles=_dot_legend(), loc="outside lower center", ncols=4)
    return figure


def margins(scores: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Distribution of chosen - rejected score, a panel per model in its own units; pairs right of 0 are won."""
    models = scores["model"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(len(models), 3 if len(models) <= _MANY else 5, 3.1, 2.1)
        for axis, model in zip(axes, models, strict=True):
            own = scores.filter(pl.col("model") == model)
            counts = {name: own["outcome"].eq(name).sum() for name in ("win", "tie", "loss", "missing")}
            untied = own.filter(pl.col("outcome").is_in(["win", "loss"]))
            _histogram(axis, (untied["chosen_score"] - untied["rejected_score"]).to_numpy(), styles[model].colour)
            axis.set_title(model, fontsize=9 if len(model) <= 26 else 7.5, pad=16)
            said = f"{counts['win']:,} won, {counts['tie']:,} tied, {counts['loss']:,} lost"
            said += f", {counts['missing']:,} missing" if counts["missing"] else ""
            axis.text(0, 1.03, said, transform=axis.transAxes, fontsize=8, color="#444444", va="bottom")
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axis.set_ylabel("Pairs")
        figure.supxlabel(
            "Score of chosen − rejected (each model's own units; outliers in the outermost bins)", fontsize=9
        )
    return figure


def training_curves(metrics: pl.DataFrame, styles: Mapping[str, Mark]) -> Figure:
    """Loss and accuracy per optimiser step: a column of panels per stage, faint as measured, bold their running mean.

    `metrics` has schema "metrics"; rows without a step, and stages other than `train-...`, are left out.
    """
    shown = training_metrics(metrics)
    stages = shown["stage"].unique(maintain_order=True).to_list()
    with style():
        figure, axes = panels(2 * max(len(stages), 1), max(len(stages), 1), 3.6, 2.2, sharey="row", sharex="col")
        for place, axis in enumerate(axes):
            metric, column = ("loss", "accuracy")[place // max(len(stages), 1)], place % max(len(stages), 1)
            here = shown.filter(pl.col("metric") == metric)
            for model in here["subject"].unique(maintain_order=True):
                stage = stages[column] if stages else ""
                line = here.filter((pl.col("subject") == model) & (pl.col("stage") == stage)).sort("step")
                _curve(axis, line, styles[model].colour if model in styles else GREEN, model)
            if metric == "loss":
                axis.set_title(stage_label(stages[column]) if stages else "No training stage")
                axis.set_ylabel("Loss (nats)")
            else:
                axis.axhline(CHANCE, **CHANCE_LINE)
                axis.set_ylim(0, 1.04)
                axis.yaxis.set_major_formatter(PercentFormatter(1))
                axis.set_ylabel("Accuracy (% of pairs)")
                axis.set_xlabel("Optimiser step")
            axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axis.grid(True)
        for place, axis in enumerate(axes):
            if place % max(len(stages), 1):
                axis.set_ylabel("")
        first_legend(figure, axes)
    return figure


def training_metrics(metrics: pl.DataFrame) -> pl.DataFrame:
    """The loss and the accuracy of every training step."""
    return metrics.filter(
        pl.col("stage").str.starts_with("train-"),
        pl.col("metric").is_in(["loss", "accuracy"]),
        pl.col("step").is_not_null(),
    )


def training_answer(metrics: pl.DataFrame) -> str:
    """What the curves show in short: every stage's steps, and its loss and accuracy at the beginning and the end."""
    said = []
    for (stage,), part in metrics.group_by("stage", maintain_order=True):
        values = {name: part.filter(pl.col("metric") == name).sort("step")["value"] for name in ("loss", "accuracy")}
        steps = len(values["loss"])
        ends = max(1, steps // 4)  # a quarter of the steps: one step has few pairs
        loss, accuracy = ((line[:ends].mean(), line[-ends:].mean()) for line in values.values())
        said.append(
            f"{stage_label(stage)}: {steps} steps, loss from {loss[0]:.2f} to {loss[1]:.2f} nats and accuracy from "
            f"{accuracy[0]:.0%} to {accuracy[1]:.0%} (means of the first and the last quarter)"
        )
    return "; ".join(said) + "." if said else "This study trained no model."


def _dot(axis: Axes, row: Mapping, place: int, mark: Mark) -> None:
    axis.plot([row["low"], row["high"]], [place, place], color=mark.colour, linewidth=1.6, solid_capstyle="butt")
    if abs(row["strict"] - row["half_credit"]) > 1e-9:
        hollow = {"markerfacecolor": "white", "markeredgecolor": mark.colour, "markersize": 4.5}
        axis.plot(row["strict"], place, mark.marker, linestyle="", clip_on=False, **hollow)
    axis.plot(row["half_credit"], place, mark.marker, color=mark.colour, markersize=5.5, clip_on=False)


def _dot_legend() -> list[Line2D]:
    dot = {"linestyle": "", "marker": "o", "color": "#444444"}
    return [
        Line2D([], [], **dot, markersize=5.5, label="a tie counts half"),
        Line2D([], [], **dot, markersize=4.5, markerfacecolor="white", label="a tie is wrong"),
        Line2D([], [], color="#444444", linewidth=1.6, label="95% interval"),
        Line2D([], [], **CHANCE_LINE, label="chance"),
    ]


def _outer_labels(axes: list[Axes], columns: int, said: str) -> None:
    """Ticks and axis label on the lowest panel of every column."""
    for place, axis in enumerate(axes):
        lowest = place + columns >= len(axes)
        axis.tick_params(axis="x", labelbottom=lowest)
        axis.tick_params(axis="y", length=0)
        if lowest:
            axis.set_xlabel(said)


def _histogram(axis: Axes, values: np.ndarray, colour: str) -> None:
    """Won pairs in the model's colour, lost ones in grey; an edge of the bins lies at 0."""
    values = values[np.isfinite(values)]
    reach = float(np.quantile(np.abs(values), 0.98)) if len(values) else 1.0
    edges = np.linspace(-(reach or 1.0), reach or 1.0, 25)
    for side, shade in ((values < 0, GREY), (values > 0, colour)):
        axis.hist(np.clip(values[side], edges[0], edges[-1]), bins=edges, color=shade, edgecolor="white", linewidth=0.4)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.xaxis.set_major_locator(MaxNLocator(5))


def _curve(axis: Axes, line: pl.DataFrame, colour: str, model: str) -> None:
    window = max(3, line.height // 15)
    steps = line["step"].to_numpy()
    mean = line["value"].rolling_mean(window, min_samples=1).to_numpy()
    axis.plot(steps, line["value"].to_numpy(), color=colour, alpha=0.35, linewidth=0.9, marker=".", markersize=3)
    axis.plot(steps, mean, color=colour, linewidth=1.8, label=f"{model} (mean of {window} steps)")
