"""The A/B/TIE question: how it is put to a language model, how its answer is read, what the votes decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from themis.generation.protocol import Completion, Request
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.templates import render
from themis.vocabulary import Criterion

VOTES = ("A", "B", "TIE")
OPTIONS = ("A", "B", "T")  # next tokens that are compared; TIE by its first letter, which is one token everywhere


@dataclass(frozen=True)
class Verdict:
    """A vote and the probabilities behind it; `first` and `second` are the replies in the order they were shown."""

    vote: str  # A | B | TIE
    first: float
    second: float
    tie: float


def judge_request(key: str, criteria: Sequence[Criterion], instruction: str | None, first: str, second: str) -> Request:
    """Ask which of two replies is better by the criteria (none: better at large), given what was asked for, if known."""
    texts = [CRITERION_TEXTS[criterion] for criterion in criteria]
    system, user = render("judge", criteria=texts, instruction=instruction, first=first, second=second)
    return Request(key=key, system=system, user=user, options=OPTIONS)


def read_verdict(completion: Completion) -> Verdict | None:
    """The vote in an answer: the likeliest of A, B and TIE, TIE where the likeliest two are equal. None: no answer."""
    if completion.probabilities is None:
        return None
    first, second, tie = completion.probabilities
    best = max(first, second, tie)
    leaders = [vote for vote, value in zip(VOTES, (first, second, tie), strict=True) if value == best]
    return Verdict(leaders[0] if len(leaders) == 1 else "TIE", first, second, tie)


def favours(vote: str, *, chosen_first: bool) -> str:
    """Which side of the pair a vote is for: chosen, rejected or tie."""
    if vote == "TIE":
        return "tie"
    return "chosen" if (vote == "A") == chosen_first else "rejected"


def decide(judgements: pa.Table, margin: float) -> dict[str, tuple[str, float]]:
    """What the votes say of each pair: id -> (chosen | rejected | tie, confidence in [0, 1]).

    A vote leans P(chosen) - P(rejected). Votes are averaged in each order and then over both orders, which cancels a
    judge's liking for a position, then over the judges. The pair goes to the side the net lean is for where its size,
    the confidence, exceeds `margin`; else it is a tie. A judge that answered in one order only does not count, and a
    pair without any judge left is absent.
    """
    lean = pl.col("probabilities").list.get(0) - pl.col("probabilities").list.get(1)
    nets = (
        pl.DataFrame(pl.from_arrow(judgements.select(["id", "judge", "chosen_first", "probabilities"])))
        .filter(pl.col("probabilities").is_not_null())
        .select("id", "judge", "chosen_first", lean=pl.when("chosen_first").then(lean).otherwise(-lean))
        .group_by("id", "judge", "chosen_first").agg(pl.col("lean").sort().mean())
        .group_by("id", "judge").agg(pl.col("lean").sort().mean(), orders=pl.len())
        .filter(pl.col("orders") == 2)
        .group_by("id").agg(pl.col("lean").sort().mean())
        .sort("id")
    )  # fmt: skip
    return {row: (_side(net, margin), abs(net)) for row, net in nets.iter_rows()}


def _side(net: float, margin: float) -> str:
    if abs(net) <= margin:
        return "tie"
    return "chosen" if net > 0 else "rejected"
