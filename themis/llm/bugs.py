"""Faults put into programs that are taken to be sound: by mutation of the syntax tree, or by a language model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import Row, answered
from themis.llm.model import Sampling
from themis.prompting.faults import bug_request, read_bug
from themis.records import SCHEMAS
from themis.records.shards import in_shard
from themis.syntax.mutate import pick
from themis.vocabulary import LANGUAGES

MUTATION = "mutation"  # as a writer's name
NO_MUTANT = "nothing to mutate"
NO_GRAMMAR = "no grammar of the language"


def programs(table: Path, instructions: Path | None = None) -> Iterator[pa.Table]:
    """Programs with what they were asked for, in parts: id, code, language, instruction (null: not known).

    `table` is of accepted commits, whose new files of the training split are taken, or a collection, whose chosen
    responses are; `instructions` belong to commits. Raises Problem.
    """
    if records.metadata(table).get("schema") == "collection":
        for part in records.stream(table, "collection", ["idx", "chosen", "language", "input"]):
            yield part.rename_columns(["id", "code", "language", "instruction"])
        return
    asked_for = _instructions(instructions) if instructions else {}
    for part in records.stream(table, "labelled", ["id", "new_contents", "language", "split", "kept"]):
        part = part.filter(pc.and_(part["kept"], pc.equal(part["split"], "train")))
        written = pa.array([asked_for.get(row) for row in part["id"].to_pylist()], pa.string())
        part = part.select(["id", "new_contents", "language"]).append_column("instruction", written)
        yield part.rename_columns(["id", "code", "language", "instruction"])


def mutated(parts: Iterable[pa.Table], *, seed: int, shard: int = 0, shards: int = 1) -> Iterator[pa.Table]:
    """A row for each program (schema "bugs") with the one mutant that a hash of its id picks, in parts.

    Missing: a language without a grammar, or a program without a place that an operator changes.
    """
    for rows in _of_shard(parts, shard, shards):
        found = []
        for row in rows:
            known = row["language"] in LANGUAGES
            mutant = pick(row["code"], row["language"], seed=seed, key=row["id"]) if known else None
            missing = None if mutant else NO_MUTANT if known else NO_GRAMMAR
            found.append(
                _bug(row["id"], MUTATION, code=mutant and mutant.text, operator=mutant and mutant.operator, why=missing)
            )
        yield pa.Table.from_pylist(found, schema=SCHEMAS["bugs"])


def introduced(
    parts: Iterable[pa.Table],
    generator: Generator,
    writer: str,
    *,
    sampling: Sampling,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[pa.Table]:
    """A row for each program (schema "bugs") with the faulty one that a language model makes of it, in parts."""

    def requests(row: Row) -> list[Request]:
        asked = {"code": row["code"], "language": row["language"], "instruction": row["instruction"]}
        return [bug_request(row["id"], **asked, **sampling.of("bug", row["id"]))]

    rows = (row for part in _of_shard(parts, shard, shards) for row in part)
    for part in answered(rows, requests, generator, f"bugs by {writer}"):
        found = [_read(row, writer, *asked[0]) for row, asked in part]
        yield pa.Table.from_pylist(found, schema=SCHEMAS["bugs"])


def _read(row: Row, writer: str, request: Request, answer: Completion) -> dict[str, Any]:
    reading = read_bug(answer, row["code"], row["language"], request)
    return _bug(row["id"], writer, code=reading.value, why=reading.why, answer=answer)


def _bug(
    row: str, writer: str, *, code: str | None, why: str | None, operator: str | None = None, answer: Completion | None = None
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": row,
        "writer": writer,
        "operator": operator,
        "code": code,
        "text": answer and answer.text,
        "finish_reason": answer and answer.finish_reason,
        "missing_reason": why,
    }


def _of_shard(parts: Iterable[pa.Table], shard: int, shards: int) -> Iterator[list[Row]]:
    for part in parts:
        yield part.filter(pa.array(in_shard(part["id"].to_pylist(), shard, shards), pa.bool_())).to_pylist()


def _instructions(path: Path) -> dict[str, str]:
    table = records.read(path, "instructions", ["id", "instruction"])
    return {row: text for row, text in zip(*(column.to_pylist() for column in table.columns), strict=True) if text}
