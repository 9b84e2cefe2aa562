"""Ratings: how much a commit improves its criterion, 1 to 5, by one language model (paper section 3, stage 4)."""

from __future__ import annotations

import difflib
from typing import Any

import pyarrow as pa

from themis import chance
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import answers, rows_of_shard
from themis.prompting.criteria import CRITERION_TEXTS
from themis.prompting.templates import render
from themis.records import SCHEMAS
from themis.vocabulary import Criterion

DIGITS = ("1", "2", "3", "4", "5")
_SCALE = ("5 greatly", "4 clearly", "3 slightly", "2 not at all", "1 worse")


def review(
    labelled: pa.Table, generator: Generator, reviewer: str, *, samples: int, seed: int, shard: int = 0, shards: int = 1
) -> pa.Table:
    """One row per pair and sample (schema "reviews"), by id and sample.

    The rating is the expected digit under the model's probabilities of the five, so any model gives one. Sample 0 names
    the scale from 5 down; for every later sample chance decides the direction, as what is named first attracts.
    """
    rows = rows_of_shard(labelled, shard, shards)
    pairs = [(row, sample) for row in rows for sample in range(samples)]
    requests = [_request(row, sample, seed) for row, sample in pairs]
    found = answers(generator, requests, f"review by {reviewer}")
    ratings = [
        _row(row, sample, reviewer, found[request.key])
        for (row, sample), request in zip(pairs, requests, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(ratings, schema=SCHEMAS["reviews"])


def change_of(old: str, new: str) -> str:
    """Both versions at once: every line, marked `-` (old only), `+` (new only) or blank; about half as long as the two."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    context = max(len(old_lines), len(new_lines), 1)
    lines = difflib.unified_diff(old_lines, new_lines, n=context, lineterm="")
    return "\n".join(list(lines)[3:])


def _request(row: dict[str, Any], sample: int, seed: int) -> Request:
    key = f"{row['id']}/{sample}"
    rising = sample > 0 and chance.digest(seed, "scale", key) % 2 == 1
    system, user = render(
        "review",
        scale=", ".join(reversed(_SCALE) if rising else _SCALE),
        criterion=CRITERION_TEXTS[Criterion(row["aspect"])],
        subject=" ".join(row["subject"].split()),
        change=change_of(row["old_contents"], row["new_contents"]),
    )
    return Request(key=key, system=system, user=user, options=DIGITS)


def _row(row: dict[str, Any], sample: int, reviewer: str, answer: Completion) -> dict[str, Any]:
    chances = answer.probabilities
    return {
        "id": row["id"],
        "reviewer": reviewer,
        "criterion": row["aspect"],
        "sample": sample,
        "rating": None if chances is None else sum(d * p for d, p in enumerate(chances, start=1)),
        "probabilities": None if chances is None else list(chances),
        "text": answer.text,
        "missing_reason": answer.missing_reason,
    }
