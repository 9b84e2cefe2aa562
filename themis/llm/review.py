"""Ratings: how much a commit improves its criterion, 1 to 5, by one language model (paper section 3, stage 4)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa

from themis import chance
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import Row, answered, rows_of_shard
from themis.llm.model import Sampling
from themis.prompting.reviewing import read_rating, review_request
from themis.records import SCHEMAS
from themis.vocabulary import Criterion


def review(
    labelled: pa.Table | Iterable[pa.Table],
    generator: Generator,
    reviewer: str,
    *,
    samples: int,
    answer: Literal["digits", "text"] = "digits",
    sampling: Sampling,
    context_lines: int | None = None,
    instructions: Mapping[str, str] | None = None,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[pa.Table]:
    """One row per pair and sample (schema "reviews"), by pair and sample, in parts.

    The rating is the expected digit under the model's probabilities of the five (`digits`), so any model gives one; or
    what it writes at the end of a text. Sample 0 names the scale from 5 down; for every later sample chance decides the
    direction, as what is named first attracts. With `instructions` (by id), what was asked for is shown with the pairs
    that have one.
    """

    def requests(row: Row) -> list[Request]:
        change = change_of(row["old_contents"], row["new_contents"], context_lines)
        keys = [f"{row['id']}/{sample}" for sample in range(samples)]
        return [
            review_request(
                key,
                criterion=Criterion(row["aspect"]),
                subject=row["subject"],
                change=change,
                language=row["language"],
                instruction=(instructions or {}).get(row["id"]),
                answer=answer,
                rising=sample > 0 and chance.digest(sampling.seed, "scale", key) % 2 == 1,
                **sampling.of("review", key),
            )
            for sample, key in enumerate(keys)
        ]

    for part in answered(rows_of_shard(labelled, shard, shards), requests, generator, f"review by {reviewer}"):
        ratings = [_row(row, reviewer, sample, *one) for row, asked in part for sample, one in enumerate(asked)]
        yield pa.Table.from_pylist(ratings, schema=SCHEMAS["reviews"])


def change_of(old: str, new: str, context_lines: int | None = None) -> str:
    """Both versions at once, about half as long as the two: lines marked `-` (old only), `+` (new only) or blank.

    With `context_lines`, unchanged lines further from any changed one are left out, and a line beginning with `@@`, as
    none of the code does here, says how many.
    """
    old_lines, new_lines = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines)
    shown: list[str] = []
    for tag, first, last, start, stop in matcher.get_opcodes():
        if tag == "equal":
            shown += _context(old_lines[first:last], context_lines, opens=first == 0, closes=last == len(old_lines))
        else:
            shown += [f"-{line}" for line in old_lines[first:last]]
            shown += [f"+{line}" for line in new_lines[start:stop]]
    return "\n".join(shown)


def _context(lines: list[str], count: int | None, *, opens: bool, closes: bool) -> list[str]:
    """Unchanged lines, those further than `count` from a change replaced by how many there are."""
    before = 0 if opens or count is None else count
    after = 0 if closes or count is None else count
    hidden = len(lines) - before - after
    if count is None or hidden <= 0:
        return [f" {line}" for line in lines]
    note = f"@@ {hidden} unchanged {'line is' if hidden == 1 else 'lines are'} not shown @@"
    return [*(f" {line}" for line in lines[:before]), note, *(f" {line}" for line in lines[len(lines) - after :])]


def _row(row: Row, reviewer: str, sample: int, request: Request, answer: Completion) -> dict[str, Any]:
    reading = read_rating(answer, request)
    return {
        "id": row["id"],
        "reviewer": reviewer,
        "criterion": row["aspect"],
        "sample": sample,
        "rating": reading.value,
        "probabilities": reading.probabilities,
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "missing_reason": reading.why,
    }
