"""The answer in one sentence, with its numbers filled in from the data."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from themis.analysis.accuracy import OVERALL, points, ranking
from themis.analysis.intervals import Estimate, paired_difference

_CHANCE = 0.5


@dataclass(frozen=True)
class Headline:
    """The best model over all pairs, the second, and by how much the first leads (shares; half credit for ties)."""

    best: str
    accuracy: Estimate
    second: str | None
    lead: Estimate | None
    above_chance: tuple[str, ...]
    models: int
    pairs: int
    criteria: int
    languages: int

    @property
    def sentence(self) -> str:
        """The headline as plain text."""
        said = (
            f"Of {_count(self.pairs, 'pair')} in {_count(self.criteria, 'criterion', 'criteria')} and "
            f"{_count(self.languages, 'language')}, {self.best} prefers the better code in "
            f"{self.accuracy.value:.1%} (95% interval {_range(self.accuracy.low, self.accuracy.high)}; "
            "a tie counts half)"
        )
        if self.second and self.lead:
            clear = "a clear lead" if self.lead.low > 0 else "too little to tell them apart"
            said += (
                f", {100 * self.lead.value:.1f} points more than {self.second} "
                f"(95% interval {_signed(self.lead.low)} to {_signed(self.lead.high)}: {clear})"
            )
        return f"{said}. {self._against_chance()}"

    def _against_chance(self) -> str:
        if not self.above_chance:
            return "No model is clearly better than chance."
        if len(self.above_chance) == self.models:
            return "Every model is clearly better than chance."
        names = ", ".join(self.above_chance[:4]) + (", ..." if len(self.above_chance) > 4 else "")
        return f"Clearly better than chance: {len(self.above_chance)} of {self.models} models ({names})."


def headline(scores: pl.DataFrame, table: pl.DataFrame, seed: int = 0) -> Headline:
    """What `scores` (from `inputs.read_scores`) and any accuracy table of them say in short.

    The lead's interval is a paired bootstrap over prompts.
    """
    table = table.filter(pl.col("group") == OVERALL)
    order = ranking(table)
    rows = {row["model"]: row for row in table.iter_rows(named=True)}
    best = points(scores, order[0])
    lead = None
    if len(order) > 1:
        other = points(scores, order[1])
        lead = paired_difference(
            best["half_credit"].to_numpy(), other["half_credit"].to_numpy(), best["cluster"].to_numpy(), seed
        )
    first = rows[order[0]]
    return Headline(
        best=order[0],
        accuracy=Estimate(first["half_credit"], first["low"], first["high"]),
        second=order[1] if lead else None,
        lead=lead,
        above_chance=tuple(model for model in order if rows[model]["low"] > _CHANCE),
        models=len(order),
        pairs=best.height,
        criteria=scores["aspect"].n_unique(),
        languages=scores["language"].n_unique(),
    )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _range(low: float, high: float) -> str:
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
