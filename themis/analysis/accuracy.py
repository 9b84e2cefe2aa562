"""Accuracy of every model, over all pairs and by criterion, language or subset, with ties and missing rows kept apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from themis.analysis import intervals
from themis.analysis.panel import OUTCOMES, OVERALL, Panel, panel
from themis.analysis.resampling import Resampler
from themis.registry import reference_model
from themis.vocabulary import CRITERION_LABELS, LANGUAGES, NATURAL_LANGUAGE

MACRO = "macro"  # every group counts the same; OVERALL is the micro average, the paper's "Average"
IN_FAMILY, OUT_OF_FAMILY = "in_family", "out_of_family"  # groups of the grouping `family`, see `measure.load`

_COUNTS = {"win": "wins", "tie": "ties", "loss": "losses", "missing": "missing"}
# Percentiles of a bootstrap are only as good as the sample: below these, Wilson's interval covers and they do not.
_ENOUGH_PROMPTS, _ENOUGH_EACH = 200, 20


def accuracy(scores: pl.DataFrame, by: str, *, seed: int = 0, resamples: int = intervals.RESAMPLES) -> pl.DataFrame:
    """The accuracy table of one grouping of `scores`, which is what `inputs.read_scores` returns."""
    data = panel(scores)
    return accuracy_table(data, by, Resampler(data, seed, resamples))


def accuracy_table(data: Panel, by: str, resampler: Resampler) -> pl.DataFrame:
    """One row per model and group of the grouping `by` (aspect, language, subset, ...), after OVERALL and MACRO.

    Columns: model, group, n, wins, ties, losses, missing (pairs), absent (of the missing, those the run lacks), strict
    (a tie is wrong) and half_credit (a tie is half right), each a share of n with the ends of its 95% interval:
    strict_low, strict_high, low, high; and method. A missing pair is not right, and is in n. method is "bootstrap",
    percentiles of means of whole prompts drawn with replacement, where there are at least 200 prompts of which the
    model is right in 20 and wrong in 20; else "wilson", Wilson's interval at the effective size of pairs that share a
    prompt. MACRO is the unweighted mean over the groups, its interval "combined" from theirs, which are independent (Zou
    and Donner 2008): each end lies off the mean by the root of the groups' squared distances to that end, over their
    number. Groups of a few pairs rule out the percentiles of the mean's own bootstrap: they cover far too seldom.
    """
    groups = ordered_groups(set(data.labels[by].tolist()))
    parts = {group: data.members(by, group) for group in (OVERALL, *groups)}
    blocks = {group: _block(data, by, group, members, resampler) for group, members in parts.items()}
    ordered = [OVERALL, MACRO, *groups]
    blocks[MACRO] = _macro(data, [blocks[group] for group in groups])
    columns = list(blocks[OVERALL])
    rows = [
        (model, group, *(blocks[group][name][place] for name in columns))
        for place, model in enumerate(data.models)
        for group in ordered
    ]
    kinds = {"method": pl.String} | dict.fromkeys(("n", *_COUNTS.values(), "absent"), pl.Int64)
    schema = {"model": pl.String, "group": pl.String, **{name: kinds.get(name, pl.Float64) for name in columns}}
    return pl.DataFrame(
        {name: list(values) for name, values in zip(schema, zip(*rows, strict=True), strict=True)}, schema=schema
    )


def points(scores: pl.DataFrame, model: str) -> pl.DataFrame:
    """The model's pairs in the order of their ids: id, cluster, strict and half_credit (0, 1/2 or 1 each)."""
    strict = pl.col("outcome").eq("win").cast(pl.Float64).alias("strict")
    half = (strict + 0.5 * pl.col("outcome").eq("tie")).alias("half_credit")
    return scores.filter(pl.col("model") == model).sort("id").select("id", "cluster", strict, half)


def ranking(table: pl.DataFrame) -> list[str]:
    """Models of an accuracy table, the best first by half credit over all pairs; equal ones by name."""
    overall = table.filter(pl.col("group") == OVERALL)
    return overall.sort("half_credit", "model", descending=[True, False])["model"].to_list()


def best_of_families(table: pl.DataFrame, most: int) -> list[str]:
    """The best model of each of the `most` best families, the best first."""
    best: dict[str, str] = {}
    for model in ranking(table):
        best.setdefault(reference_model(model).family, model)
    return list(best.values())[:most]


def model_names(scores: pl.DataFrame) -> list[str]:
    """The models in the order of the table, which is the study's."""
    return scores["model"].unique(maintain_order=True).to_list()


def ordered_groups(names: Iterable[str]) -> list[str]:
    """Names in the vocabulary's order, then the others by name."""
    known = [*CRITERION_LABELS, *LANGUAGES, NATURAL_LANGUAGE, IN_FAMILY, OUT_OF_FAMILY]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def label(group: str) -> str:
    """A group as a reader sees it."""
    titles = {
        OVERALL: "All pairs",
        MACRO: "Macro average",
        NATURAL_LANGUAGE: "Natural language",
        IN_FAMILY: "Trained-on families",
        OUT_OF_FAMILY: "Other families",
    }
    return titles.get(group) or CRITERION_LABELS.get(group) or group


def _block(data: Panel, by: str, group: str, members: np.ndarray, resampler: Resampler) -> dict[str, np.ndarray]:
    """The columns of one group, each [M]."""
    cluster = data.cluster[members]
    block = _counts(data, members)
    method = np.full(len(data.models), "wilson", dtype=object)
    many = len(np.unique(cluster)) >= _ENOUGH_PROMPTS
    for credit, name, low, high in (("strict", *_STRICT), ("half_credit", *_HALF)):
        values = getattr(data, credit)[members]
        mean = values.mean(axis=0, dtype=float)
        size = intervals.effective_sizes(values, cluster)
        ends = np.array([intervals.wilson(m * s, s) for m, s in zip(mean, size, strict=True)])
        rarer = np.round(np.minimum(mean, 1 - mean) * size, 6)  # 0.08 of 250 is 20, whatever a computer says
        enough = many & (rarer >= _ENOUGH_EACH)
        if enough.any():
            drawn = getattr(resampler, credit)(by, group)[:, enough]
            ends[enough] = np.quantile(drawn, [0.025, 0.975], axis=0).T
        if credit == "half_credit":
            method[enough] = "bootstrap"
        block |= {name: mean, low: ends[:, 0], high: ends[:, 1]}
    return block | {"method": method}


_STRICT = ("strict", "strict_low", "strict_high")
_HALF = ("half_credit", "low", "high")


def _macro(data: Panel, groups: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The columns of the mean over groups, from theirs: distances to their ends add up as independent errors do."""
    block = _counts(data, np.arange(len(data.ids)))
    for names in (_STRICT, _HALF):
        middle, below, above = (np.array([group[name] for group in groups]) for name in names)
        mean = middle.mean(axis=0)
        reach = [np.sqrt(np.square(end - middle).sum(axis=0)) / len(groups) for end in (below, above)]
        block |= dict(zip(names, (mean, mean - reach[0], mean + reach[1]), strict=True))
    return block | {"method": np.full(len(data.models), "combined", dtype=object)}


def _counts(data: Panel, members: np.ndarray) -> dict[str, np.ndarray]:
    outcome = data.outcome[members]
    counts = {name: (outcome == OUTCOMES.index(kind)).sum(axis=0) for kind, name in _COUNTS.items()}
    n = np.full(len(data.models), len(members))
    return {"n": n, **counts, "absent": data.absent[members].sum(axis=0)}
