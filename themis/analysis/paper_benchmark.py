"""The paper's benchmark: whether scores are on it, and the accuracy behind each cell of the paper's tables."""

from __future__ import annotations

import polars as pl

from themis.errors import Problem
from themis.vocabulary import ABSENT, PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES, Criterion

AVERAGE = "Average"  # over all pairs, each counting the same
BENCHMARK = "CRB"  # what the paper calls its benchmark

# Criterion and pairs of each subset, in the order of table 1. The counts are those of the published score files; two of
# the paper's printed counts by language do not add up to them.
SUBSETS: dict[str, tuple[Criterion, int]] = {
    "COMMITPREFS_FUNCTIONAL": (Criterion.FUNCTIONAL_CORRECTNESS, 825),
    "HUMANEVAL_PACK": (Criterion.FUNCTIONAL_CORRECTNESS, 628),
    "MBPP_PLUS_FIX_HARD": (Criterion.FUNCTIONAL_CORRECTNESS, 37),
    "MDEVAL": (Criterion.FUNCTIONAL_CORRECTNESS, 134),
    "DEBUG_EVAL": (Criterion.FUNCTIONAL_CORRECTNESS, 724),
    "RUNBUGRUN": (Criterion.FUNCTIONAL_CORRECTNESS, 2430),
    "COMMITPREFS_RUNTIME": (Criterion.RUNTIME_EFFICIENCY, 238),
    "PIE_PERF": (Criterion.RUNTIME_EFFICIENCY, 460),
    "ECCO": (Criterion.RUNTIME_EFFICIENCY, 399),
    "EVALPERF": (Criterion.RUNTIME_EFFICIENCY, 212),
    "COMMITPREFS_MEMORY": (Criterion.MEMORY_EFFICIENCY, 252),
    "NOFUNEVAL_MEMORY": (Criterion.MEMORY_EFFICIENCY, 37),
    "COMMITPREFS_READABILITY": (Criterion.READABILITY_MAINTAINABILITY, 1371),
    "NOFUNEVAL_MAINTAIN": (Criterion.READABILITY_MAINTAINABILITY, 128),
    "COMMITPREFS_SECURITY": (Criterion.SECURITY_HARDNESS, 769),
    "CODEPREFBENCH_SECURITY": (Criterion.SECURITY_HARDNESS, 173),
    "VUL4J": (Criterion.SECURITY_HARDNESS, 8),
    "SECBENCH": (Criterion.SECURITY_HARDNESS, 14),
    "NOFUNEVAL_SECURITY": (Criterion.SECURITY_HARDNESS, 27),
}

# The tables of accuracy: what their columns are, and of which criteria (None: all).
ACCURACY_TABLES: dict[str, tuple[str, tuple[Criterion, ...] | None]] = {
    "2": ("aspect", None),
    "3": ("language", None),
    "7": ("subset", (Criterion.FUNCTIONAL_CORRECTNESS,)),
    "8": ("subset", (Criterion.RUNTIME_EFFICIENCY, Criterion.MEMORY_EFFICIENCY)),
    "9": ("subset", (Criterion.READABILITY_MAINTAINABILITY, Criterion.SECURITY_HARDNESS)),
}
_SPELLING = {"aspect": PUBLISHED_ASPECTS, "language": PUBLISHED_LANGUAGES, "subset": {}}
_KEYS = ("model", "benchmark", "id", "outcome", "missing_reason", "aspect", "language", "subset")


def mismatch(scores: pl.DataFrame) -> str | None:
    """Why the scores are not on the paper's benchmark (a clause), or None where they are: the same subsets, each with
    the same number of pairs. Raises Problem where the frame is empty or lacks a column of the schema."""
    pairs = pairs_of(scores)
    sizes = dict(pairs.group_by("subset").len().iter_rows())
    if sizes == {subset: n for subset, (_, n) in SUBSETS.items()}:
        return None
    ours = f"{benchmark_name(scores)} ({pairs.height:,} pairs in {_subsets(len(sizes))})"
    theirs = f"{BENCHMARK} ({sum(n for _, n in SUBSETS.values()):,} pairs in {_subsets(len(SUBSETS))})"
    return f"the scores are on {ours}, which is not the paper's {theirs}"


def recomputed(scores: pl.DataFrame) -> pl.DataFrame:
    """The accuracy of every model in every column of tables 2, 3, 7, 8 and 9: table, row (the model), column (published
    spelling), wins, n (pairs), value (per cent, not rounded).

    The paper's accuracy: wins over the pairs that the run holds. Ties are wrong, and so is a score that is missing; only
    a pair that is not in an imported run at all (ABSENT) is left out. A model without any pair is not in the frame.
    """
    _check(scores)
    held = scores.filter(pl.col("missing_reason").cast(pl.String).ne_missing(ABSENT))
    counts = held.group_by("model", "aspect", "language", "subset").agg(
        n=pl.len().cast(pl.Int64), wins=pl.col("outcome").eq("win").sum().cast(pl.Int64)
    )
    parts = []
    for table, (by, criteria) in ACCURACY_TABLES.items():
        chosen = counts if criteria is None else counts.filter(pl.col("aspect").is_in([str(c) for c in criteria]))
        groups = [published(by)] if criteria else [pl.lit(AVERAGE), published(by)]
        parts += [_summed(chosen, table, group) for group in groups]
    return pl.concat(parts).sort("table", "row", "column")


def published(by: str) -> pl.Expr:
    """The column aspect, language or subset in the published spelling."""
    spelling = {str(ours): theirs for theirs, ours in _SPELLING[by].items()}
    return pl.col(by).replace(spelling)


def ours(column: str) -> str:
    """A column of the printed tables in our own spelling."""
    return str(PUBLISHED_ASPECTS.get(column) or PUBLISHED_LANGUAGES.get(column) or column)


def pairs_of(scores: pl.DataFrame) -> pl.DataFrame:
    """The pairs of the benchmark, whichever models hold them: id, aspect, language, subset."""
    _check(scores)
    return scores.select("id", "aspect", "language", "subset").unique().sort("id")


def benchmark_name(scores: pl.DataFrame) -> str:
    """The benchmark's name in the scores; several are listed."""
    return ", ".join(sorted(scores["benchmark"].unique()))


def _summed(counts: pl.DataFrame, table: str, column: pl.Expr) -> pl.DataFrame:
    summed = counts.group_by(pl.col("model").alias("row"), column.alias("column")).agg(pl.col("wins", "n").sum())
    value = (100 * pl.col("wins") / pl.col("n")).alias("value")
    return summed.select(pl.lit(table).alias("table"), "row", "column", "wins", "n", value)


def _subsets(n: int) -> str:
    return f"{n} subset{'' if n == 1 else 's'}"


def _check(scores: pl.DataFrame) -> None:
    lacking = [name for name in _KEYS if name not in scores.columns]
    if lacking:
        raise Problem(f"scores: no column {', '.join(lacking)}; read them with themis.analysis.inputs.read_scores")
    if scores.is_empty():
        raise Problem("scores: no rows; score or import at least one model")
