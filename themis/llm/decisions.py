"""What all votes together say of a pair: a side, and how surely."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.records import SCHEMAS

RULES = ("lean", "majority", "unanimous")
COLUMNS = [
    *("id", "judge", "criterion", "sample", "chosen_first", "vote", "favours"),
    *("probabilities", "finish_reason", "missing_reason"),
]
_PAIR = ["id", "criterion"]
_SHARES = ["lean", "chosen", "rejected"]


def decide(votes: pl.DataFrame, *, rule: str = "lean", margin: float = 0.0) -> pa.Table:
    """The decision on every pair (schema "decisions"), by id and criterion.

    The lean of a pair, and its shares of votes for each side, are means: of the votes in each order, of both orders,
    and of the judges, in that turn. So a liking for a position that shifts every lean alike cancels out, and a judge
    weighs the same however many of its votes are missing; one that answered in one order only does not count.
    Confidence is the size of the lean. Rule `lean` decides for the side that the lean is for where the confidence
    exceeds `margin` (to twelve decimals; equal is a tie); `majority` for the side with more than half of the votes,
    those for a tie counted too; `unanimous` for the side with all of them. Else it is a tie; without a judge that
    counts there is no decision. Raises Problem where the rule is not known.
    """
    if rule not in RULES:
        raise Problem(f"rule {rule} is none of {', '.join(RULES)}")
    for_chosen, for_rejected = {
        "lean": (pl.col("lean") > margin, pl.col("lean") < -margin),
        "majority": (pl.col("chosen") > 0.5, pl.col("rejected") > 0.5),
        "unanimous": (pl.col("chosen") == 1, pl.col("rejected") == 1),
    }[rule]
    cast = pl.col("favours")
    counts = votes.group_by(_PAIR).agg(
        *((cast == side).sum().cast(pl.Int64).alias(f"votes_{side}") for side in ("chosen", "rejected", "tie")),
        votes_missing=cast.null_count().cast(pl.Int64),
    )
    decided = (
        judge_shares(votes)
        .group_by(_PAIR).agg(_means())
        .with_columns(
            confidence=pl.col("lean").abs(),
            decision=pl.when(for_chosen).then(pl.lit("chosen"))
            .when(for_rejected).then(pl.lit("rejected")).otherwise(pl.lit("tie")),
        )
    )  # fmt: skip
    table = counts.join(decided, on=_PAIR, how="left").sort(_PAIR)
    return table.select(SCHEMAS["decisions"].names).to_arrow().cast(SCHEMAS["decisions"])


def votes_in(judgements: pa.Table) -> pl.DataFrame:
    """The votes without their texts, with `lean`: P(chosen) - P(rejected) where the judge gave probabilities; of a text
    1, -1 or, for a tie, 0; null where there is no vote. Raises Problem where a vote is there twice."""
    frame = pl.DataFrame(pl.from_arrow(judgements.select(COLUMNS)))
    if frame.select("id", "judge", "criterion", "sample").is_duplicated().any():
        raise Problem("judgements: a vote is there twice; is one file given twice?")
    first_ahead = pl.col("probabilities").list.get(0) - pl.col("probabilities").list.get(1)
    lean = (
        pl.when(pl.col("probabilities").is_not_null())
        .then(pl.when("chosen_first").then(first_ahead).otherwise(-first_ahead))
        .otherwise(pl.col("favours").replace_strict({"chosen": 1.0, "rejected": -1.0, "tie": 0.0}, default=None))
    )
    return frame.select(pl.exclude("probabilities"), lean=lean)


def judge_shares(votes: pl.DataFrame) -> pl.DataFrame:
    """For each pair and judge that was heard in both orders: its lean, and its shares of votes for chosen and rejected,
    each the mean of both orders."""
    return (
        votes.filter(pl.col("favours").is_not_null())
        .with_columns(
            chosen=(pl.col("favours") == "chosen").cast(pl.Float64),
            rejected=(pl.col("favours") == "rejected").cast(pl.Float64),
        )
        .group_by(*_PAIR, "judge", "chosen_first").agg(_means())
        .group_by(*_PAIR, "judge").agg(_means(), orders=pl.len())
        .filter(pl.col("orders") == 2)
        .drop("orders").sort(*_PAIR, "judge")
    )  # fmt: skip


def _means() -> list[pl.Expr]:
    """Means of sorted values, so that no order of the rows matters, without the noise of the last digits."""
    return [pl.col(share).sort().mean().round(12) for share in _SHARES]
