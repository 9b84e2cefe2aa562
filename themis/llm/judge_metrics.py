"""Numbers about the votes: position bias, agreement and yields, by judge, criterion and language."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from themis.llm.agreement import alpha, compared
from themis.llm.decisions import judge_shares
from themis.llm.metrics import Number, cells, mean, metrics_table, reasons


def judge_metrics(votes: pl.DataFrame, decisions: pa.Table, languages: pl.DataFrame) -> pa.Table:
    """Numbers about the votes (schema "metrics"), by subject and metric; null where there is nothing to count.

    A judge: votes and missing_votes. position_bias, the share of votes for A, the reply shown first, among those for A
    or B (0.5: none), and position_lean, how far its leans shift towards A (0: none, 1: all the way), the mean over the
    pairs heard in both orders. tie_share; chosen_share, of the votes for either side; order_agreement, the share that
    favours the same side among pairs of votes in opposite orders; and how many answers are missing for which reason or
    finished how. Two judges, `a ~ b`: pairs both judged, and mean_absolute_difference of their leans. All pairs
    (`all`), a criterion, a language, a `criterion/language`: pairs, those decided for chosen, for rejected, as tie, or
    undecided, mean_confidence, and alpha_interval of the judges' leans. `languages`: id and language of the pairs.
    """
    numbers: list[Number] = []
    for (judge,), cast in votes.group_by("judge"):
        numbers += _of_judge(str(judge), cast)
    leans = judge_shares(votes).join(languages, on="id", how="left")
    leans = leans.select("criterion", "language", unit="id", rater="judge", rating="lean")
    for first, second, left, right in compared(leans):
        numbers.append((f"{first} ~ {second}", "pairs", float(left.len())))
        numbers.append((f"{first} ~ {second}", "mean_absolute_difference", mean((left - right).abs())))
    decided = pl.DataFrame(pl.from_arrow(decisions)).join(languages, on="id", how="left")
    return metrics_table("judge", [*numbers, *_cells(decided, leans)])


def _of_judge(judge: str, cast: pl.DataFrame) -> Iterator[Number]:
    given = cast.filter(pl.col("vote").is_not_null())
    sided = given.filter(pl.col("vote") != "TIE")
    opposed = given.with_columns(turn=pl.col("sample") // 2).group_by("id", "criterion", "turn").agg("favours")
    opposed = opposed.filter(pl.col("favours").list.len() == 2)
    yield judge, "votes", float(given.height)
    yield judge, "missing_votes", float(cast.height - given.height)
    yield judge, "position_bias", mean(sided["vote"] == "A")
    yield judge, "position_lean", mean(_position_leans(given))
    yield judge, "tie_share", mean(given["vote"] == "TIE")
    yield judge, "chosen_share", mean(sided["favours"] == "chosen")
    same = opposed["favours"].list.get(0) == opposed["favours"].list.get(1)
    yield judge, "order_agreement", mean(same)
    yield from reasons(judge, cast)


def _position_leans(given: pl.DataFrame) -> pl.Series:
    """For each pair heard in both orders, half the difference of the leans: what is for the place, not for the reply."""
    towards_first = pl.when("chosen_first").then("lean").otherwise(-pl.col("lean"))
    return (
        given.group_by("id", "criterion", "chosen_first").agg(lean=towards_first.sort().mean())
        .group_by("id", "criterion").agg(pl.col("lean").sort().mean(), orders=pl.len())
        .filter(pl.col("orders") == 2)["lean"]
    )  # fmt: skip


def _cells(decided: pl.DataFrame, leans: pl.DataFrame) -> Iterator[Number]:
    of_cell = dict(cells(leans))
    for cell, pairs in cells(decided):
        yield cell, "pairs", float(pairs.height)
        for side in ("chosen", "rejected", "tie"):
            yield cell, side, float((pairs["decision"] == side).sum())
        yield cell, "undecided", float(pairs["decision"].null_count())
        yield cell, "mean_confidence", mean(pairs["confidence"])
        yield cell, "alpha_interval", alpha(of_cell.get(cell, leans.clear()))
