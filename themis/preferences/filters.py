"""The filters that look at one pair at a time, in their order: why each pair is dropped, if it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import polars as pl
import pyarrow as pa

from themis.preferences.balance import differences
from themis.preferences.code import shallow
from themis.preferences.fit import FORGED, TOO_LONG, Fit
from themis.preferences.language import not_english
from themis.preferences.near import documents
from themis.preferences.perplexity import Perplexity
from themis.preferences.references import References
from themis.prompting.chat import Chat
from themis.prompting.system_prompts import Shares, draw
from themis.vocabulary import Criterion

Test = Callable[[pl.DataFrame], np.ndarray]  # which rows are dropped, bool [N]


@dataclass(frozen=True)
class Limits:
    """What a pair must satisfy (paper appendix B.3, p. 46)."""

    max_tokens: int  # prompt and longer response
    min_syntax_depth: int  # levels of the syntax tree of either response
    english: bool  # whether the prompt must be
    max_perplexity: float  # of the prompt, where it is measured
    near_duplicate: float  # Jaccard similarity
    shingle: int  # words, where pairs of a source are compared with one another
    overlap_words: int  # a shared run of this many words with a benchmark is too many
    balance_within: tuple[str, ...]  # columns that make the cells in which lengths are balanced; none: they are not
    max_pairs: int | None  # a hash picks


class Screen:
    """The filters before near-duplicates are looked for, and those after, as far as a pair is judged by itself."""

    def __init__(
        self,
        limits: Limits,
        chat: Chat,
        references: References,
        *,
        shares: Shares,
        seed: int,
        identifier: Path | None = None,
        perplexity: Perplexity | None = None,
    ) -> None:
        self.limits, self._fit, self._references = limits, Fit(chat, limits.max_tokens), references
        self._shares, self._seed = shares, seed
        self._identifier, self._perplexity = identifier, perplexity
        self._measuring = Lock()

    def __call__(self, pairs: pa.Table) -> pl.DataFrame:
        """The pairs of a collection table with what the training set needs: `idx` with the source before it, `system`, by
        how many characters chosen is longer (`difference`), and why a pair is dropped, null where it is not: `reason`,
        and of those that have none `later`, which counts if the pair is no near-duplicate of another."""
        rows = pl.DataFrame(pl.from_arrow(pairs)).with_columns(
            idx=unique_idx(), difference=pl.Series(differences(pairs))
        )
        chosen = rows.select("idx", "aspect").iter_rows()
        systems = [draw(self._shares, self._seed, idx, Criterion(aspect)) for idx, aspect in chosen]
        rows = rows.with_columns(system=pl.Series(systems, dtype=pl.String))
        reason = _reasons(rows, self._before)
        left = rows.filter(reason.is_null())
        later = pl.Series([None] * rows.height, dtype=pl.String)
        if left.height:
            later = later.scatter(reason.is_null().arg_true(), _reasons(left, self._after))
        return rows.with_columns(reason=reason, later=later)

    @property
    def _before(self) -> list[tuple[str, Test]]:
        return [
            ("no prompt", lambda rows: rows["input"].fill_null("").str.strip_chars() == ""),
            ("identical", lambda rows: rows["chosen"] == rows["rejected"]),
            (FORGED, self._fit.forged),
            (TOO_LONG, self._fit.too_long),
            ("syntax tree too shallow", lambda rows: shallow(rows, self.limits.min_syntax_depth)),
            ("prompt is not English", self._not_english),
            ("prompt is too improbable", self._improbable),
        ]

    @property
    def _after(self) -> list[tuple[str, Test]]:
        overlap = self._references.runs.shared_by
        return [
            ("prompt overlaps a benchmark", lambda rows: overlap(_texts(rows, "input"))),
            (
                "response overlaps a benchmark",
                lambda rows: overlap(_texts(rows, "chosen")) | overlap(_texts(rows, "rejected")),
            ),
            ("repository is in the benchmark", self._leaking),
            ("near-duplicate of the benchmark", self._near_benchmark),
        ]

    def _not_english(self, rows: pl.DataFrame) -> np.ndarray:
        if not self.limits.english:
            return np.zeros(rows.height, bool)
        return not_english(rows["input"], model=self._identifier)

    def _improbable(self, rows: pl.DataFrame) -> np.ndarray:
        if self._perplexity is None:
            return np.zeros(rows.height, bool)
        with self._measuring:  # it remembers what it has measured, and is no thread's own
            return self._perplexity.values(rows["input"].to_list()) > self.limits.max_perplexity

    def _leaking(self, rows: pl.DataFrame) -> np.ndarray:
        within = pl.element().is_in(self._references.repositories)
        return rows["repositories"].list.eval(within).list.any().fill_null(False).to_numpy()

    def _near_benchmark(self, rows: pl.DataFrame) -> np.ndarray:
        return self._references.pairs.close_to(documents(_texts(rows, "input"), _texts(rows, "chosen")))


def unique_idx() -> pl.Expr:
    """The id of a pair in a training set: that of its collection, behind the source."""
    return pl.concat_str("source", pl.lit(":"), "idx")


def _reasons(rows: pl.DataFrame, tests: Sequence[tuple[str, Test]]) -> pl.Series:
    """For each row the first reason that applies, null where none does; a test sees the rows that passed those before."""
    reasons = np.full(rows.height, None, object)
    left = np.arange(rows.height)
    for reason, test in tests:
        dropped = np.asarray(test(rows[left]), bool)
        reasons[left[dropped]] = reason
        left = left[~dropped]
    return pl.Series(reasons.tolist(), dtype=pl.String)


def _texts(rows: pl.DataFrame, name: str) -> pa.Array:
    return rows[name].to_arrow()
