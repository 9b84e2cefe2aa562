"""Rows of one shard, and answers to all of their requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from themis import chance
from themis.errors import Problem
from themis.generation.protocol import Completion, Generator, Request
from themis.progress import track


def rows_of_shard(labelled: pa.Table, shard: int, shards: int) -> list[dict[str, Any]]:
    """The rows that are kept and have an aspect, by id, as far as they fall to `shard` (0 to shards - 1) by their id."""
    if not 0 <= shard < shards:
        raise Problem(f"shard {shard} is not one of 0 to {shards - 1}")
    frame = pl.DataFrame(pl.from_arrow(labelled)).filter(pl.col("kept") & pl.col("aspect").is_not_null()).sort("id")
    return [row for row in frame.iter_rows(named=True) if chance.digest(0, "shard", row["id"]) % shards == shard]


def answers(generator: Generator, requests: Sequence[Request], label: str) -> dict[str, Completion]:
    """The answer to every request, by its key, with progress shown. Raises Problem where the generator leaves one out."""
    completions = track(generator.generate(requests), label, total=len(requests), unit="request")
    found = {completion.key: completion for completion in completions}
    left = [request.key for request in requests if request.key not in found]
    if left:
        raise Problem(
            f"{generator.fingerprint}: {len(left)} of {len(requests)} requests got no answer, first {left[0]}"
        )
    return found
