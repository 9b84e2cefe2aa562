"""What perturbations do to a model: accuracy before and after on the same pairs, preferences flipped, scores moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from themis import records
from themis.analysis import intervals
from themis.analysis.inputs import read_table, read_tables
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA, PERTURBATIONS, SEPARATOR

ORDER = "criteria_order"
_USUAL = "+".join(CODE_CRITERIA)
_BOTH = ("chosen", "rejected")


def robustness(
    out: Path,
    scores: Sequence[Path],
    *,
    benchmark: Path,
    ledger: Path,
    orders: Sequence[Path] = (),
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> pl.DataFrame:
    """The table of `compare`, written to `out` with schema "robustness"; models in the order of `scores`.

    `orders` are scores of the plain pairs under prompt modes that name all criteria of code, each model's in their usual
    order and in others: these give the perturbation criteria_order. Raises Problem where a model's rows are not those of
    `benchmark`, which `themis perturb` wrote, or where it has no scores under the usual order.
    """
    pairs = read_table(benchmark, "benchmark")
    prompts = pairs.filter(~pl.col("id").str.contains(SEPARATOR, literal=True)).select("id", cluster="prompt")
    tables = []
    for path in scores:
        table = read_table(path, "scores")
        if set(table["id"]) != set(pairs["id"]):
            raise Problem(f"{path}: not scores of the pairs of {benchmark}; score the model on that table")
        tables.append(table)
    changed = pl.concat([read_tables([], "scores"), *tables]).with_columns(_split())
    plain = changed.filter(pl.col("perturbation").is_null())
    changed = changed.filter(pl.col("perturbation").is_not_null())
    rows = compare(plain, changed, prompts, read_table(ledger, "attrition"), seed=seed, resamples=resamples)
    if orders:
        rows = pl.concat([rows, _orders(orders, prompts, seed, resamples)])
    place = {name: number for number, name in enumerate(PERTURBATIONS)}
    models = list(dict.fromkeys(plain["model"]))
    rows = rows.sort(
        pl.col("model").replace_strict(models, range(len(models)), default=len(models), return_dtype=pl.Int64),
        pl.col("perturbation").replace_strict(place, return_dtype=pl.Int64),
    )
    records.write(rows.to_arrow(), out, "robustness", inputs=[benchmark, ledger, *scores, *orders], seed=seed)
    return rows


def compare(
    plain: pl.DataFrame,
    changed: pl.DataFrame,
    prompts: pl.DataFrame,
    ledger: pl.DataFrame,
    *,
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> pl.DataFrame:
    """One row per model and perturbation, from scores of pairs as they are and as they were changed.

    `changed` has the columns of schema "scores", perturbation, and `base`, the id in `plain`. Pairs without a score
    before or after are counted in missing and left out of all else; n are the others. not_applicable and reasons count
    pairs that the perturbation did not change. strict and half_credit are accuracies after the change, plain_strict and
    plain_half_credit before, on the same pairs; change is the difference of half credits. flip_rate is the share of pairs
    whose outcome (win, tie, loss) is another, lost_rate that of wins that are none any more. chosen_shift and
    rejected_shift are mean scores after less before, in the model's own unit, of which spread is the standard deviation
    over both responses of the plain pairs. All with 95% intervals: Wilson's at the effective size of pairs that share a
    prompt for shares, percentiles of a paired bootstrap over prompts for differences.
    """
    dropped = {row["scope"]: [] for row in ledger.iter_rows(named=True)}
    for row in (
        ledger.filter(pl.col("reason").is_not_null()).sort("rows_dropped", descending=True).iter_rows(named=True)
    ):
        dropped[row["scope"]].append((row["reason"], row["rows_dropped"]))
    before = plain.select(
        "model",
        *(pl.col(f"{side}_score").alias(f"{side}_before") for side in _BOTH),
        base="id",
        outcome_before="outcome",
    )
    joined = changed.join(before, on=["model", "base"], how="left").join(prompts.rename({"id": "base"}), on="base")
    rows = []
    for model in plain["model"].unique(maintain_order=True):
        own = plain.filter(pl.col("model") == model)
        spread = pl.concat([own["chosen_score"], own["rejected_score"]]).std()
        for name in PERTURBATIONS:
            part = joined.filter(pl.col("model") == model, pl.col("perturbation") == name).sort("id", "prompt_mode")
            if part.is_empty() and name not in dropped:
                continue
            reasons = dropped.get(name, [])
            rows.append(
                {
                    "model": model,
                    "perturbation": name,
                    "kind": PERTURBATIONS[name].kind,
                    "side": PERTURBATIONS[name].side,
                    "not_applicable": sum(count for _, count in reasons),
                    "reasons": "; ".join(f"{reason} ({count})" for reason, count in reasons),
                    "spread": spread,
                    **_measures(part, seed, resamples),
                }
            )
    schema = records.SCHEMAS["robustness"]
    empty = pl.from_arrow(schema.empty_table())
    return pl.concat([empty, pl.DataFrame(rows, schema=empty.schema)]) if rows else empty


def _measures(part: pl.DataFrame, seed: int, resamples: int) -> dict[str, float | int | None]:
    scored = part.filter(pl.col("outcome") != "missing", pl.col("outcome_before") != "missing")
    counts = {"n": scored.height, "missing": part.height - scored.height}
    if scored.is_empty():
        return counts
    clusters = scored["cluster"].to_numpy()
    after, before = (scored[name].to_numpy() for name in ("outcome", "outcome_before"))
    strict, plain_strict = (np.asarray(one == "win", dtype=float) for one in (after, before))
    half, plain_half = strict + 0.5 * (after == "tie"), plain_strict + 0.5 * (before == "tie")
    flipped = np.asarray(after != before, dtype=float)
    shifts = [(scored[f"{side}_score"] - scored[f"{side}_before"]).to_numpy() for side in _BOTH]
    draws = intervals.resampled_means(
        np.column_stack([half - plain_half, *shifts]), clusters, intervals.generator(seed, "perturbed"), resamples
    )
    ends = [intervals.percentiles(draws[:, column]) for column in range(draws.shape[1])]
    return {
        **counts,
        **_named(("strict", "strict_low", "strict_high"), intervals.clustered_wilson(strict, clusters)),
        **_named(("half_credit", "low", "high"), intervals.clustered_wilson(half, clusters)),
        "plain_strict": float(plain_strict.mean()),
        "plain_half_credit": float(plain_half.mean()),
        **_named(("change", "change_low", "change_high"), (float((half - plain_half).mean()), *ends[0])),
        **_named(("flip_rate", "flip_low", "flip_high"), intervals.clustered_wilson(flipped, clusters)),
        "lost_rate": float((plain_strict * (1 - strict)).mean()),
        **{
            name: value
            for side, shift, end in zip(_BOTH, shifts, ends[1:], strict=True)
            for name, value in _named(
                (f"{side}_shift", f"{side}_shift_low", f"{side}_shift_high"), (float(shift.mean()), *end)
            ).items()
        },
    }


def _orders(orders: Sequence[Path], prompts: pl.DataFrame, seed: int, resamples: int) -> pl.DataFrame:
    """The rows of criteria_order: every other order against the usual one, a pair counting once for each."""
    tables = pl.concat([read_table(path, "scores") for path in orders])
    usual = tables.filter(pl.col("prompt_mode") == _USUAL)
    if lost := sorted(set(tables["model"]) - set(usual["model"])):
        raise Problem(f"model {lost[0]} has no scores under the criteria's usual order; give those with --order too")
    other = tables.filter(pl.col("prompt_mode") != _USUAL).with_columns(base="id", perturbation=pl.lit(ORDER))
    ledger = pl.from_arrow(records.SCHEMAS["attrition"].empty_table())
    return compare(usual, other, prompts, ledger, seed=seed, resamples=resamples)


def _split() -> list[pl.Expr]:
    parts = pl.col("id").str.split(SEPARATOR)
    return [parts.list.get(0).alias("base"), parts.list.get(1, null_on_oob=True).alias("perturbation")]


def _named(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))
