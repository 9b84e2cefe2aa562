"""The stages on files: what each command reads, asks and writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from themis.llm.consensus import COLUMNS as RATING_COLUMNS
from themis.llm.consensus import consensus, ledger_of, ratings_in
from themis.llm.decisions import COLUMNS as VOTE_COLUMNS
from themis.llm.decisions import decide, votes_in
from themis.llm.instruct import instruct
from themis.llm.instruct_metrics import COLUMNS as INSTRUCT_COLUMNS
from themis.llm.instruct_metrics import instruct_metrics
from themis.llm.judge import judge
from themis.llm.judge_metrics import judge_metrics
from themis.llm.metrics import metrics_table
from themis.llm.model import Model, Sampling
from themis.llm.recover import recover
from themis.llm.review import review
from themis.llm.review_metrics import review_metrics
from themis.records import read, stream, write
from themis.records.shards import in_shard

_TEXTS = ["old_contents", "new_contents"]


def write_reviews(
    labelled: Path,
    out: Path,
    model: Model,
    name: str,
    *,
    instructions: Path | None,
    sampling: Sampling,
    shard: int,
    shards: int,
    **options: Any,
) -> None:
    """Rate the pairs of one shard, where `instructions` are given with them shown; `options` as `review` has them."""
    rows = stream(labelled, "labelled", ["id", "subject", "language", "kept", "aspect", *_TEXTS])
    tables = review(
        rows,
        model.generator(),
        name,
        instructions=_instructions(instructions, shard, shards) if instructions else None,
        sampling=sampling,
        shard=shard,
        shards=shards,
        **options,
    )
    inputs = [labelled, *([instructions] if instructions else []), *model.weights()]
    write(tables, out, "reviews", inputs=inputs, seed=sampling.seed)


def write_consensus(
    labelled: Path, out: Path, reviews: Sequence[Path], *, ledger: Path, metrics: Path, **policy: Any
) -> None:
    """Keep the pairs the reviewers rate high enough, `policy` as `consensus` has it; write the ledger, and yields and
    agreement by reviewer, criterion and language."""
    ratings = ratings_in([read(path, "reviews", RATING_COLUMNS) for path in reviews])
    pairs = pl.DataFrame(pl.from_arrow(read(labelled, "labelled", ["id", "split", "language", "kept", "aspect"])))
    pairs = pairs.filter(pl.col("kept") & pl.col("aspect").is_not_null())
    agreed = consensus(pairs.select("id", "split", "language", criterion="aspect"), ratings, **policy)
    kept = pa.array(agreed.filter(pl.col("reason").is_null())["id"].to_list(), pa.string())
    inputs = [labelled, *reviews]
    write(review_metrics(agreed, ratings), metrics, "metrics", inputs=reviews)
    ledger_of(agreed).write(ledger, inputs)
    rows = (table.filter(pc.is_in(table["id"], kept)) for table in stream(labelled, "labelled"))
    write(rows, out, "labelled", inputs=inputs)


def write_instructions(
    accepted: Path, out: Path, model: Model, name: str, *, sampling: Sampling, shard: int, shards: int, **options: Any
) -> None:
    """Write the instructions of one shard's pairs; `options` as `instruct` has them."""
    rows = stream(accepted, "labelled", ["id", "language", "kept", "aspect", *_TEXTS])
    tables = instruct(rows, model.generator(), name, sampling=sampling, shard=shard, shards=shards, **options)
    write(tables, out, "instructions", inputs=[accepted, *model.weights()], seed=sampling.seed)


def write_instruct_metrics(out: Path, instructions: Path) -> None:
    """Write how many instructions there are, and why others are not."""
    table = read(instructions, "instructions", INSTRUCT_COLUMNS)
    write(instruct_metrics(table), out, "metrics", inputs=[instructions])


def write_judgements(
    accepted: Path,
    instructions: Path,
    out: Path,
    model: Model,
    name: str,
    *,
    sampling: Sampling,
    shard: int,
    shards: int,
    **options: Any,
) -> None:
    """Cast the votes on one shard's training pairs; `options` as `judge` has them."""
    rows = stream(accepted, "labelled", ["id", "split", "kept", "aspect", *_TEXTS])
    asked_for = _instructions(instructions, shard, shards)
    tables = judge(rows, asked_for, model.generator(), name, sampling=sampling, shard=shard, shards=shards, **options)
    write(tables, out, "judgements", inputs=[accepted, instructions, *model.weights()], seed=sampling.seed)


def write_decisions(
    accepted: Path, out: Path, judgements: Sequence[Path], *, metrics: Path, rule: str, margin: float
) -> None:
    """Write what the votes say of each pair, and each judge's position bias, agreement and yields."""
    votes = votes_in(pa.concat_tables([read(path, "judgements", VOTE_COLUMNS) for path in judgements]))
    languages = pl.DataFrame(pl.from_arrow(read(accepted, "labelled", ["id", "language"])))
    decisions = decide(votes, rule=rule, margin=margin)
    write(judge_metrics(votes, decisions, languages), metrics, "metrics", inputs=[accepted, *judgements])
    write(decisions, out, "decisions", inputs=judgements)


def write_recovered(
    collection: Path, out: Path, model: Model, *, metrics: Path, sampling: Sampling, shard: int, shards: int
) -> None:
    """Give the shard's pairs of a collection that have no prompt the problem their program solves."""
    counts: Counter[str] = Counter(pairs=0, had_prompt=0, recovered=0)
    rows = stream(collection, "collection")
    tables = recover(rows, model.generator(), sampling=sampling, counts=counts, shard=shard, shards=shards)
    inputs = [collection, *model.weights()]
    write(tables, out, "collection", inputs=inputs, seed=sampling.seed)
    numbers = [(collection.stem, metric, float(rows)) for metric, rows in counts.items()]
    write(metrics_table("recover", numbers), metrics, "metrics", inputs=inputs)


def _instructions(path: Path, shard: int, shards: int) -> dict[str, str]:
    """The instructions of one shard's pairs, by id."""
    found: dict[str, str] = {}
    for table in stream(path, "instructions", ["id", "instruction"]):
        rows = table.filter(pc.is_valid(table["instruction"]))
        rows = rows.filter(in_shard(rows["id"].to_pylist(), shard, shards))
        found.update(zip(rows["id"].to_pylist(), rows["instruction"].to_pylist(), strict=True))
    return found
