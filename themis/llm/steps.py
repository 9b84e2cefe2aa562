"""The stages on files: what each command reads, asks and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from themis.generation.backends import generator_for
from themis.generation.checkpoint import weight_files
from themis.generation.protocol import Generator
from themis.llm.consensus import agreement, consensus
from themis.llm.instruct import instruct
from themis.llm.judge import judge, judge_metrics
from themis.llm.review import review
from themis.records import read, write


@dataclass(frozen=True)
class Model:
    """A checkpoint folder and how it runs."""

    folder: Path
    cache: Path | None = None
    threads: int = 1
    dtype: str = "float32"
    batch_tokens: int = 2048

    def generator(self) -> Generator:
        """The model, ready to answer. Raises Problem where the folder holds none."""
        return generator_for(
            self.folder, dtype=self.dtype, threads=self.threads, batch_tokens=self.batch_tokens, cache=self.cache
        )


def write_reviews(
    labelled: Path, out: Path, model: Model, name: str, *, samples: int, seed: int, shard: int, shards: int
) -> None:
    """Rate the pairs of one shard."""
    columns = ["id", "subject", "old_contents", "new_contents", "kept", "aspect"]
    rows = read(labelled, "labelled", columns)
    table = review(rows, model.generator(), name, samples=samples, seed=seed, shard=shard, shards=shards)
    write(table, out, "reviews", inputs=[labelled, *weight_files(model.folder)], seed=seed)


def write_consensus(
    labelled: Path, out: Path, reviews: Sequence[Path], *, min_rating: float, policy: str, ledger: Path, metrics: Path
) -> None:
    """Keep the pairs the reviewers rate high enough; write the ledger and how far the reviewers agree."""
    tables = [read(path, "reviews") for path in reviews]
    inputs = [labelled, *reviews]
    accepted, counts = consensus(read(labelled, "labelled"), tables, min_rating=min_rating, policy=policy)
    write(agreement(tables), metrics, "metrics", inputs=reviews)
    counts.write(ledger, inputs)
    write(accepted, out, "labelled", inputs=inputs)


def write_instructions(
    accepted: Path,
    out: Path,
    model: Model,
    name: str,
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    shard: int,
    shards: int,
) -> None:
    """Write the instructions of one shard's pairs."""
    rows = read(accepted, "labelled", ["id", "new_contents", "language", "kept", "aspect"])
    table = instruct(
        rows,
        model.generator(),
        name,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        shard=shard,
        shards=shards,
    )
    write(table, out, "instructions", inputs=[accepted, *weight_files(model.folder)], seed=seed)


def write_judgements(
    accepted: Path,
    instructions: Path,
    out: Path,
    model: Model,
    name: str,
    *,
    votes: int,
    seed: int,
    shard: int,
    shards: int,
) -> None:
    """Cast the votes on one shard's training pairs."""
    rows = read(accepted, "labelled", ["id", "split", "old_contents", "new_contents", "kept", "aspect"])
    asked_for = read(instructions, "instructions")
    table = judge(rows, asked_for, model.generator(), name, votes=votes, seed=seed, shard=shard, shards=shards)
    inputs = [accepted, instructions, *weight_files(model.folder)]
    write(table, out, "judgements", inputs=inputs, seed=seed)


def write_judge_metrics(out: Path, judgements: Sequence[Path]) -> None:
    """Write each judge's position bias and how far its two orders agree."""
    table = pa.concat_tables([read(path, "judgements") for path in judgements])
    write(judge_metrics(table), out, "metrics", inputs=judgements)
