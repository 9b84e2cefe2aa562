"""How well scores rank the solutions of a problem: hits, best of n, correlation with the tests, spread; exact under ties.

Of equal scores every order is as likely as the other, and a missing score ranks last: nothing depends on the order of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kendalltau, spearmanr

from themis.analysis import intervals
from themis.analysis.inputs import read_table
from themis.analysis.panel import OVERALL
from themis.errors import Problem

DEPTHS = (1, 5, 10)  # K of Hits@K
HITS = tuple(f"hits_{depth}" for depth in DEPTHS)
MEASURES = (*HITS, "spearman", "kendall", "variance", "std")
# Orders that need no model: every one as likely as the other, and all that pass before all that fail.
RANDOM, ORACLE = "random order", "oracle"

_QUESTIONS = {
    "model": pl.String, "question": pl.String, "language": pl.String, "candidates": pl.Int64, "passing": pl.Int64,
    "unknown": pl.Int64, "missing": pl.Int64, **dict.fromkeys(MEASURES, pl.Float64),
}  # fmt: skip
_SUMMARY = {
    "model": pl.String, "group": pl.String, "measure": pl.String, "questions": pl.Int64, "undefined": pl.Int64,
    "mean": pl.Float64, "low": pl.Float64, "high": pl.Float64, "median": pl.Float64,
}  # fmt: skip
_CURVES = {
    "model": pl.String, "n": pl.Int64, "questions": pl.Int64, "mean": pl.Float64, "low": pl.Float64, "high": pl.Float64
}  # fmt: skip


def read_rewards(path: Path) -> pl.DataFrame:
    """Every model's rows of schema "rerank". Raises Problem where there are none, or models cover other candidates."""
    rewards = read_table(path, "rerank")
    if rewards.is_empty():
        raise Problem(f"{path}: holds no scores; score the candidates with at least one model")
    held = {model: set(own["id"]) for (model,), own in rewards.group_by("model", maintain_order=True)}
    first, *others = held
    for model in others:
        if held[model] != held[first]:
            raise Problem(f"{path}: {model} and {first} cover different candidates; score the same set with both")
    return rewards


def questions(rewards: pl.DataFrame) -> pl.DataFrame:
    """A row per model and question, RANDOM and ORACLE last: what `rewards` (from `read_rewards`) are worth there.

    candidates are counted with those whose verdict is unknown, which hits leave out; passing are those that pass every
    test; missing are candidates without a score. hits_K is the probability that one that passes is among the K ranked
    highest, null where none pass or all do. spearman and kendall (tau-b) are rank correlations of score and share of
    tests passed over the candidates that have both, null where there are fewer than two or one of them does not vary.
    variance and std (of the scores that are there, over their number) are null where there are none.
    """
    rows = []
    for model, question, language, own in _by_question(rewards):
        score, known, passed = own["score"].to_numpy(), own["verdict"].is_not_null().to_numpy(), _passed(own)
        measured = {name: hits(score[known], passed, depth) for name, depth in zip(HITS, DEPTHS, strict=True)}
        if model not in (RANDOM, ORACLE):
            measured |= _spread(score) | _correlations(score, _share(own))
        counts = (own.height, int(passed.sum()), int((~known).sum()), int(np.isnan(score).sum()))
        rows.append((model, question, language, *counts, *(measured.get(name) for name in MEASURES)))
    return pl.DataFrame(rows, schema=_QUESTIONS, orient="row")


def summary(table: pl.DataFrame, seed: int = 0, resamples: int = intervals.RESAMPLES) -> pl.DataFrame:
    """A row per model, group (every question, then each language where there are several) and measure of `questions`.

    questions are those where it is defined, undefined the others; mean, its 95% bootstrap interval (low, high; the same
    questions are drawn for every model) and median are over the former, null where there are none.
    """
    languages = sorted(set(table["language"]))
    groups = [OVERALL, *(languages if len(languages) > 1 else [])]
    rows = []
    for model in table["model"].unique(maintain_order=True):
        for group in groups:
            inside = pl.col("model") == model
            own = table.filter(inside if group == OVERALL else inside & (pl.col("language") == group))
            for measure in MEASURES:
                defined = own.filter(pl.col(measure).is_not_null())
                estimate = _mean(
                    defined.select(measure).to_numpy(), defined["question"], f"rerank {group}", seed, resamples
                )
                values = tuple(float(one[0]) for one in estimate) if estimate else (None,) * 3
                counts = (defined.height, own.height - defined.height)
                rows.append((model, group, measure, *counts, *values, defined[measure].median()))
    return pl.DataFrame(rows, schema=_SUMMARY, orient="row")


def curves(rewards: pl.DataFrame, seed: int = 0, resamples: int = intervals.RESAMPLES) -> pl.DataFrame:
    """A row per model, RANDOM and ORACLE last, and n: how probable it is that the candidate which the model scores highest
    of n drawn by chance passes every test, the mean over all questions with its 95% bootstrap interval.

    A question with fewer than n candidates of known verdict counts with all of them.
    """
    found: dict[str, list[tuple[str, np.ndarray]]] = {}
    for model, question, _, own in _by_question(rewards):
        known = own["verdict"].is_not_null().to_numpy()
        if known.any():
            found.setdefault(model, []).append((question, best_of(own["score"].to_numpy()[known], _passed(own))))
    rows = []
    for model, drawn in found.items():
        names, values = zip(*drawn, strict=True)
        longest = max(map(len, values))
        whole = np.stack([np.pad(one, (0, longest - len(one)), mode="edge") for one in values])
        estimate = _mean(whole, pl.Series(names), "rerank best of n", seed, resamples)
        if estimate:
            rows += [(model, n, len(drawn), *ends) for n, ends in enumerate(zip(*estimate, strict=True), start=1)]
    return pl.DataFrame(rows, schema=_CURVES, orient="row")


def answer(table: pl.DataFrame, summarised: pl.DataFrame, seed: int = 0) -> str:
    """What `questions` and their `summary` say in short: the best model at Hits@1, and its lead over a random order with
    the interval of a paired bootstrap over questions."""
    first = table.filter(pl.col("model") == table["model"][0])
    told = f"{first.height:,} questions, {first['candidates'].sum():,} candidates, of which {first['passing'].sum():,} pass"
    hit = summarised.filter(pl.col("group") == OVERALL, pl.col("measure") == HITS[0], pl.col("mean").is_not_null())
    models = hit.filter(~pl.col("model").is_in([RANDOM, ORACLE])).sort("mean", "model", descending=[True, False])
    if models.is_empty():
        return f"{told}: in no question do some pass and others not, so no order is better than another."
    best = models.row(0, named=True)
    keys = ["question", "language"]
    own, chance = (
        table.filter(pl.col("model") == model, pl.col(HITS[0]).is_not_null()).sort(keys)
        for model in (best["model"], RANDOM)
    )
    lead = intervals.paired_difference(
        own[HITS[0]].to_numpy(), chance[HITS[0]].to_numpy(), own["question"].to_numpy(), seed
    )
    return (
        f"{told}: {best['model']} ranks one that passes first in {best['mean']:.1%} [{best['low']:.1%}, {best['high']:.1%}] "
        f"of the {best['questions']:,} questions where some pass and others do not, {100 * lead.value:+.1f} "
        f"[{100 * lead.low:+.1f}, {100 * lead.high:+.1f}] points beside a random order ({chance[HITS[0]].mean():.1%})."
    )


def shown(summarised: pl.DataFrame) -> pl.DataFrame:
    """A `summary` to read: a row per group and model, each measure's mean with its 95% interval, the median of the
    correlations, and the questions where Hits and Spearman's correlation are defined."""
    rows = []
    for (group, model), own in summarised.group_by("group", "model", maintain_order=True):
        by = {row["measure"]: row for row in own.iter_rows(named=True)}
        cells = {f"Hits@{depth}": _cell(by[name], 100) for name, depth in zip(HITS, DEPTHS, strict=True)}
        for name in ("spearman", "kendall"):
            cells |= {name.capitalize(): _cell(by[name]), f"median {name}": _number(by[name]["median"])}
        defined = f"{by[HITS[0]]['questions']} / {by['spearman']['questions']}"
        rows.append(
            {
                "Questions": str(group),
                "Model": str(model),
                **cells,
                "Std": _number(by["std"]["mean"]),
                "Defined": defined,
            }
        )
    return pl.DataFrame(rows)


def hits(scores: np.ndarray, passed: np.ndarray, depth: int) -> float | None:
    """How probable it is that one of the `depth` candidates ranked highest passes; all are where there are not so many.

    `scores` are float [n], not a number where missing, `passed` is bool [n]. None where none pass or all do. Within the
    group of equal scores that the cut falls into, the places left are a draw without replacement (hypergeometric).
    """
    if not passed.any() or passed.all():
        return None
    left = min(depth, len(scores))
    for size, passing in _tied(scores, passed):
        if left < size:
            return 1.0 - math.comb(size - passing, left) / math.comb(size, left)
        if passing:
            return 1.0
        left -= size
    return 0.0


def best_of(scores: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """float [n]: for 1 to n candidates drawn without replacement, how probable it is that the highest scored one passes.

    A group of equal scores has the best of the draw where nothing above it is drawn but something of it is; each of its
    members is as likely to be taken as the other.
    """
    nothing = _nothing_drawn(len(scores))
    curve, above = np.zeros(len(scores)), 0
    for size, passing in _tied(scores, passed):
        curve += (nothing[:, above] - nothing[:, above + size]) * (passing / size)
        above += size
    return curve


def _by_question(rewards: pl.DataFrame) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    """Model, question, language and the rows of each, then the same under the two orders that need no model."""
    parts = [(model, own) for (model,), own in rewards.group_by("model", maintain_order=True)]
    first = parts[0][1]
    parts.append((RANDOM, first.with_columns(score=pl.lit(0.0))))
    parts.append((ORACLE, first.with_columns(score=pl.col("verdict").cast(pl.Float64))))
    for model, rows in parts:
        scored = rows.with_columns(pl.col("score").fill_null(math.nan))
        for (question, language), own in scored.group_by("question", "language", maintain_order=True):
            yield str(model), str(question), str(language), own


def _passed(own: pl.DataFrame) -> np.ndarray:
    return own["verdict"].drop_nulls().to_numpy().astype(bool)


def _share(own: pl.DataFrame) -> np.ndarray:
    """Shares of the tests passed; not a number where there are no tests."""
    tests = pl.col("passed") + pl.col("failed")
    return own.select(pl.when(tests > 0).then(pl.col("passed") / tests).fill_null(math.nan)).to_series().to_numpy()


def _spread(scores: np.ndarray) -> dict[str, float]:
    there = scores[~np.isnan(scores)]
    return {"variance": float(there.var()), "std": float(there.std())} if len(there) else {}


def _correlations(scores: np.ndarray, share: np.ndarray) -> dict[str, float]:
    both = ~np.isnan(scores) & ~np.isnan(share)
    scores, share = scores[both], share[both]
    if len(scores) < 2 or not np.ptp(scores) or not np.ptp(share):
        return {}
    return {
        "spearman": float(spearmanr(scores, share).statistic),
        "kendall": float(kendalltau(scores, share).statistic),
    }


def _tied(scores: np.ndarray, passed: np.ndarray) -> list[tuple[int, int]]:
    """Size of each group of equal scores and how many of it pass, the highest first; what is missing is the last."""
    below = np.where(np.isnan(scores), np.inf, -scores)
    names, place = np.unique(below, return_inverse=True)
    sizes = np.bincount(place, minlength=len(names))
    passing = np.bincount(place, weights=passed, minlength=len(names))
    return [(int(size), int(count)) for size, count in zip(sizes, passing, strict=True)]


@cache
def _nothing_drawn(total: int) -> np.ndarray:
    """[n - 1, members]: how probable it is that n of `total` drawn without replacement miss a certain so many."""
    return np.array(
        [
            [math.comb(total - members, drawn) / math.comb(total, drawn) for members in range(total + 1)]
            for drawn in range(1, total + 1)
        ]
    )


def _mean(
    values: np.ndarray, names: pl.Series, purpose: str, seed: int, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Means of the columns of `values` [questions, columns], and the ends of their intervals; None without a question."""
    if not len(values):
        return None
    draws = intervals.resampled_means(values, names.to_numpy(), intervals.generator(seed, purpose), resamples)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return values.mean(axis=0), low, high


def _cell(row: Mapping[str, Any], scale: float = 1.0) -> str:
    if row["mean"] is None:
        return ""
    digits = 1 if scale > 1 else 3
    mean, low, high = (f"{scale * row[name]:.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
