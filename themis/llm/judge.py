"""Votes: which of the two versions a language model prefers by the pair's criterion, in both orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from themis import chance
from themis.errors import Problem
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import Row, answered, rows_of_shard
from themis.llm.model import Sampling
from themis.prompting.judging import favours, judge_request, read_verdict
from themis.records import SCHEMAS
from themis.vocabulary import Criterion


def judge(
    accepted: pa.Table | Iterable[pa.Table],
    instructions: Mapping[str, str],
    generator: Generator,
    name: str,
    *,
    votes: int,
    answer: Literal["options", "text"] = "options",
    sampling: Sampling,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[pa.Table]:
    """`votes` rows per training pair (schema "judgements"), by pair and sample, in parts.

    Samples 2k and 2k+1 show the pair in opposite orders; chance decides which order comes first. `instructions` (by id)
    are shown with the pairs that have one. The vote is the likeliest of A, B and TIE by the model's probabilities
    (`options`), or what it writes at the end of a text. Raises Problem for an odd number of votes.
    """
    if votes < 2 or votes % 2:
        raise Problem(f"votes {votes}: an even number of at least 2 is needed, half for each order")
    tables = [accepted] if isinstance(accepted, pa.Table) else accepted
    train = (table.filter(pc.equal(table["split"], "train")) for table in tables)

    def requests(row: Row) -> list[Request]:
        versions = {True: row["new_contents"], False: row["old_contents"]}
        return [
            judge_request(
                f"{row['id']}/{sample}",
                [Criterion(row["aspect"])],
                instructions.get(row["id"]),
                versions[shows_chosen_first(sampling.seed, row["id"], sample)],
                versions[not shows_chosen_first(sampling.seed, row["id"], sample)],
                answer=answer,
                **sampling.of("vote", f"{row['id']}/{sample}"),
            )
            for sample in range(votes)
        ]

    for part in answered(rows_of_shard(train, shard, shards), requests, generator, f"votes by {name}"):
        cast = [
            _row(row, name, sample, *one, chosen_first=shows_chosen_first(sampling.seed, row["id"], sample))
            for row, asked in part
            for sample, one in enumerate(asked)
        ]
        yield pa.Table.from_pylist(cast, schema=SCHEMAS["judgements"])


def shows_chosen_first(seed: int, row: str, sample: int) -> bool:
    """Whether a vote is shown the new version first."""
    return (sample + chance.digest(seed, "order", row)) % 2 == 0


def _row(
    row: Row, name: str, sample: int, request: Request, answer: Completion, *, chosen_first: bool
) -> dict[str, Any]:
    verdict = read_verdict(answer, request)
    return {
        "id": row["id"],
        "judge": name,
        "criterion": row["aspect"],
        "sample": sample,
        "chosen_first": chosen_first,
        "vote": verdict.vote,
        "favours": favours(verdict.vote, chosen_first=chosen_first) if verdict.vote else None,
        "probabilities": answer.probabilities,
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "missing_reason": verdict.why,
    }
