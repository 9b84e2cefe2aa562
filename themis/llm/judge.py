"""Votes: which of the two versions a language model prefers by the pair's criterion, in both orders."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from themis import chance
from themis.errors import Problem
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import answers, rows_of_shard
from themis.prompting.judging import favours, judge_request, read_verdict
from themis.records import SCHEMAS
from themis.vocabulary import Criterion


def judge(
    accepted: pa.Table,
    instructions: pa.Table,
    generator: Generator,
    name: str,
    *,
    votes: int,
    seed: int,
    shard: int = 0,
    shards: int = 1,
) -> pa.Table:
    """`votes` rows per training pair (schema "judgements"), by id and sample.

    Samples 2k and 2k+1 show the pair in opposite orders; chance decides which order comes first.
    """
    if votes < 2 or votes % 2:
        raise Problem(f"votes {votes}: an even number of at least 2 is needed, half for each order")
    train = accepted.filter(pc.equal(accepted["split"], "train"))
    asked_for = dict(zip(instructions["id"].to_pylist(), instructions["instruction"].to_pylist(), strict=True))
    ballots = []
    for row in rows_of_shard(train, shard, shards):
        first = chance.digest(seed, "order", row["id"]) % 2
        for sample in range(votes):
            chosen_first = (sample + first) % 2 == 0
            request = _request(row, sample, asked_for.get(row["id"]), chosen_first=chosen_first)
            ballots.append((row, sample, chosen_first, request))
    found = answers(generator, [request for *_, request in ballots], f"votes by {name}")
    rows = [
        _row(row, sample, name, found[request.key], chosen_first=chosen_first)
        for row, sample, chosen_first, request in ballots
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["judgements"])


def judge_metrics(judgements: pa.Table) -> pa.Table:
    """Numbers about each judge (schema "metrics"), by judge and metric; null where there is nothing to count.

    votes and missing_votes: how many. position_bias: share of votes for A, the reply shown first, among those for A or
    B (0.5: none). tie_share: share of votes for TIE. order_agreement: among pairs of votes in opposite orders, the
    share that favours the same side. chosen_share: share of votes for the chosen side among those for either.
    """
    frame = pl.DataFrame(pl.from_arrow(judgements.drop_columns(["probabilities", "text"])))
    if frame.select("id", "judge", "sample").is_duplicated().any():
        raise Problem("judgements: a vote is there twice; is one file given twice?")
    numbers = []
    for (judge_name,), cast in frame.group_by("judge"):
        given = cast.filter(pl.col("vote").is_not_null())
        sided = given.filter(pl.col("vote") != "TIE")
        opposed = given.with_columns(turn=pl.col("sample") // 2).group_by("id", "turn").agg("favours")
        opposed = opposed.filter(pl.col("favours").list.len() == 2)
        values = {
            "votes": float(given.height),
            "missing_votes": float(cast.height - given.height),
            "position_bias": (sided["vote"] == "A").mean(),
            "tie_share": (given["vote"] == "TIE").mean(),
            "chosen_share": (sided["favours"] == "chosen").mean(),
            "order_agreement": (opposed["favours"].list.get(0) == opposed["favours"].list.get(1)).mean(),
        }
        numbers += [
            {"stage": "judge", "subject": str(judge_name), "metric": metric, "step": None, "value": value}
            for metric, value in values.items()
        ]
    numbers.sort(key=lambda number: (number["subject"], number["metric"]))
    return pa.Table.from_pylist(numbers, schema=SCHEMAS["metrics"])


def _request(row: dict[str, Any], sample: int, instruction: str | None, *, chosen_first: bool) -> Request:
    chosen, rejected = row["new_contents"], row["old_contents"]
    first, second = (chosen, rejected) if chosen_first else (rejected, chosen)
    return judge_request(f"{row['id']}/{sample}", [Criterion(row["aspect"])], instruction, first, second)


def _row(row: dict[str, Any], sample: int, name: str, answer: Completion, *, chosen_first: bool) -> dict[str, Any]:
    verdict = read_verdict(answer)
    return {
        "id": row["id"],
        "judge": name,
        "criterion": row["aspect"],
        "sample": sample,
        "chosen_first": chosen_first,
        "vote": verdict.vote if verdict else None,
        "favours": favours(verdict.vote, chosen_first=chosen_first) if verdict else None,
        "probabilities": [verdict.first, verdict.second, verdict.tie] if verdict else None,
        "text": answer.text,
        "missing_reason": answer.missing_reason,
    }
