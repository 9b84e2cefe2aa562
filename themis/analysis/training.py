"""What training tables say: the curves of every stage, and how the trained models compare at its end."""

from __future__ import annotations

import polars as pl

from themis.analysis.attrition import stage_label
from themis.analysis.intervals import wilson

LEARNED = ("loss", "accuracy", "margin")
INNER = ("bt", "lm", "magnitude", "lr", "grad_norm")
_HELD_OUT = "held_out_"
_STAGE = "train-"


def curves(metrics: pl.DataFrame) -> pl.DataFrame:
    """One row per stage, model, metric, step and part (training or held out) of the metrics drawn: `value`.

    `metrics` has schema "metrics"; rows without a step, and stages other than `train-...`, are left out.
    """
    part = pl.when(pl.col("metric").str.starts_with(_HELD_OUT)).then(pl.lit("held out")).otherwise(pl.lit("training"))
    return (
        metrics.filter(pl.col("stage").str.starts_with(_STAGE), pl.col("step").is_not_null())
        .select(
            "stage", "step", "value", model="subject", part=part, metric=pl.col("metric").str.strip_prefix(_HELD_OUT)
        )
        .filter(pl.col("metric").is_in([*LEARNED, *INNER]))
        .select("stage", "model", "metric", "part", "step", "value")
    )


def comparison(metrics: pl.DataFrame) -> pl.DataFrame:
    """One row per stage and model, in the order given: what the exported weights do.

    `step` of `steps` is the exported one. Where pairs were held out, `accuracy` is theirs at that step with the ends
    `low` and `high` of Wilson's 95% interval, `loss` likewise, and `length_controlled` is null where it is not defined.
    Elsewhere `pairs` and the interval are null, and loss and accuracy are means of the last quarter of the training
    steps: they show that training works, not how well the model judges.
    """
    rows = []
    trained = metrics.filter(pl.col("stage").str.starts_with(_STAGE))
    for (stage, model), own in trained.group_by("stage", "subject", maintain_order=True):
        totals = dict(own.filter(pl.col("step").is_null()).select("metric", "value").iter_rows())
        losses = own.filter(pl.col("metric") == "loss").sort("step")
        if losses.is_empty():
            continue
        steps = int(losses["step"].max())
        step = int(totals.get("exported_step", steps))
        here = dict(own.filter(pl.col("step") == step).select("metric", "value").iter_rows())
        row = {"stage": stage, "model": model, "step": step, "steps": steps}
        pairs = totals.get("held_out_pairs")
        accuracy = here.get(f"{_HELD_OUT}accuracy")
        if pairs and accuracy is not None:
            low, high = wilson(accuracy * pairs, pairs)
            row |= {"pairs": int(pairs), "loss": here[f"{_HELD_OUT}loss"], "accuracy": accuracy}
            row |= {"low": low, "high": high, "length_controlled": here.get(f"{_HELD_OUT}length_controlled_accuracy")}
        else:
            row |= {name: _ends(own, name)[1] for name in ("loss", "accuracy")}
        rows.append(row)
    return pl.DataFrame(rows, schema=_COMPARED)


_COMPARED = {
    "stage": pl.String, "model": pl.String, "step": pl.Int64, "steps": pl.Int64, "pairs": pl.Int64, "loss": pl.Float64,
    "accuracy": pl.Float64, "low": pl.Float64, "high": pl.Float64, "length_controlled": pl.Float64,
}  # fmt: skip


def answer(metrics: pl.DataFrame) -> str:
    """What the curves show in short, of the first model; and which model came out best where there are several."""
    compared = comparison(metrics)
    if compared.is_empty():
        return "This study trained no model."
    first = compared["model"][0]
    said = []
    for row in compared.filter(pl.col("model") == first).iter_rows(named=True):
        own = metrics.filter(pl.col("stage") == row["stage"], pl.col("subject") == first)
        loss, accuracy = _ends(own, "loss"), _ends(own, "accuracy")
        said.append(
            f"{stage_label(row['stage'])}: {row['steps']} steps, loss from {loss[0]:.2f} to {loss[1]:.2f} nats and "
            f"accuracy from {accuracy[0]:.0%} to {accuracy[1]:.0%} (means of the first and the last quarter)"
        )
        if row["pairs"]:
            said[-1] += f", {_measured(row)} on {row['pairs']:,} pairs held out"
    several = compared.filter(pl.col("pairs").is_not_null(), pl.col("stage") == compared["stage"][-1])
    if several.height > 1:
        best = several.filter(pl.col("accuracy") == pl.col("accuracy").max())
        names, told = ", ".join(best["model"]), _measured(best.row(0, named=True)).rstrip(",")
        said.append(f"of {several.height} models the best on held-out pairs: {names}, {told}")
    return "; ".join(said) + "."


def _measured(row: dict) -> str:
    told = f"{row['accuracy']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
    return told if row["length_controlled"] is None else f"{told}, length-controlled {row['length_controlled']:.1%},"


def _ends(own: pl.DataFrame, metric: str) -> tuple[float, float]:
    """Means of the first and the last quarter of the steps: one step has few pairs."""
    line = own.filter(pl.col("metric") == metric, pl.col("step").is_not_null()).sort("step")["value"]
    size = max(1, len(line) // 4)
    return line[:size].mean(), line[-size:].mean()
