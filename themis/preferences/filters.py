"""The filters that both training sets pass, in one order, and the form in which they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from themis import chance
from themis.preferences.decontaminate import overlapping
from themis.preferences.fit import misfit
from themis.preferences.near import near, repeated
from themis.preferences.sieve import Sieve
from themis.preferences.system_prompts import Shares, draw
from themis.progress import track
from themis.prompting.chat import Chat
from themis.records import SCHEMAS
from themis.syntax.parse import depth
from themis.vocabulary import Criterion


@dataclass(frozen=True)
class Limits:
    """What a pair must satisfy (paper appendix B.3, p. 46, filters 1 and 3)."""

    max_tokens: int  # prompt and longer response
    min_syntax_depth: int  # levels of the syntax tree of either response
    overlap_words: int  # a shared run of this many words with the benchmark is too many
    near_duplicate: float  # Jaccard similarity
    max_pairs: int | None  # a hash picks


def filtered(sieve: Sieve, benchmark: pa.Table, chat: Chat, limits: Limits, shares: Shares, seed: int) -> pa.Table:
    """The preferences table of the pairs that pass, sorted by idx.

    The sieve's rows have the columns of a preferences table but for `system`, which is drawn here, and `leaking`: the
    pair's repository is in the benchmark. Overlap is stricter than in the paper: responses count, not only prompts.
    """
    sieve.rows = sieve.rows.sort("idx")
    rows = sieve.rows.select("idx", "aspect").iter_rows()
    prompts = [draw(shares, seed, idx, Criterion(aspect)) for idx, aspect in rows]
    sieve.rows = sieve.rows.with_columns(pl.Series("system", prompts, dtype=pl.String))
    bench = pl.DataFrame(pl.from_arrow(benchmark.select(["prompt", "chosen", "rejected"])))
    answers = [*bench["chosen"], *bench["rejected"]]

    sieve.drop("identical", pl.col("chosen") == pl.col("rejected"))
    sieve.drop("syntax tree too shallow", _shallow(sieve.rows, limits.min_syntax_depth))
    sieve.drop_by(_misfits(sieve.rows, chat, limits.max_tokens))
    sieve.drop("repository is in the benchmark", pl.col("leaking"))
    sieve.drop("prompt overlaps the benchmark", overlapping(sieve.rows["input"], bench["prompt"], limits.overlap_words))
    sieve.drop(
        "response overlaps the benchmark",
        overlapping(sieve.rows["chosen"], answers, limits.overlap_words)
        | overlapping(sieve.rows["rejected"], answers, limits.overlap_words),
    )
    sieve.drop("near-duplicate", repeated(_texts(sieve.rows, "input", "chosen"), limits.near_duplicate))
    sieve.drop(
        "near-duplicate of the benchmark",
        near(_texts(sieve.rows, "input", "chosen"), _texts(bench, "prompt", "chosen"), limits.near_duplicate),
    )
    if limits.max_pairs is not None:
        order = chance.order(seed, "row cap", sieve.rows["idx"].to_list())
        sieve.drop("row cap", np.isin(np.arange(len(order)), order[limits.max_pairs :]))
    return sieve.finish().select(SCHEMAS["preferences"].names).to_arrow().cast(SCHEMAS["preferences"])


def _shallow(rows: pl.DataFrame, least: int) -> np.ndarray:
    pairs = rows.select("language", "chosen", "rejected").iter_rows()
    return np.array(
        [
            any((levels := depth(code, language)) is not None and levels < least for code in pair)
            for language, *pair in track(pairs, "parse", total=len(rows), unit="pair")
        ],
        bool,
    )


def _misfits(rows: pl.DataFrame, chat: Chat, max_tokens: int) -> list[str | None]:
    texts = rows.select("system", "input", "chosen", "rejected").iter_rows()
    return [misfit(chat, *row, max_tokens) for row in track(texts, "count tokens", total=len(rows), unit="pair")]


def _texts(rows: pl.DataFrame, *columns: str) -> Sequence[str]:
    return rows.select(pl.concat_str(columns, separator="\n")).to_series().to_list()
