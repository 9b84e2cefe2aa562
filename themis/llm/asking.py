"""The rows of one shard, each with the answers to its requests, part by part so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from themis.errors import Problem
from themis.generation.batch_files import finish
from themis.generation.protocol import Completion, Generator, Request
from themis.progress import bar
from themis.records.shards import in_shard

# A part ends with the row that brings it to so many rows, or its prompts to so many characters.
PART_ROWS, PART_CHARACTERS = 2048, 1 << 26

Row = dict[str, Any]
Asked = tuple[Request, Completion]


def rows_of_shard(tables: pa.Table | Iterable[pa.Table], shard: int, shards: int) -> Iterator[Row]:
    """The rows that are kept and have an aspect, in their order, as far as they fall to `shard` (0 to shards - 1) by
    their id. Raises Problem for a shard that is none."""
    for table in [tables] if isinstance(tables, pa.Table) else tables:
        asked = table.filter(pc.and_(table["kept"], pc.is_valid(table["aspect"])))
        yield from asked.filter(in_shard(asked["id"].to_pylist(), shard, shards)).to_pylist()


def answered(
    rows: Iterable[Row], requests: Callable[[Row], list[Request]], generator: Generator, label: str
) -> Iterator[list[tuple[Row, list[Asked]]]]:
    """The rows in their order, part by part, each with its requests in their order and the answers to them.

    Raises Problem at the end where requests got no answer: a back end left them out, or wrote them to batch files.
    """
    left: list[str] = []
    for part in _parts((row, requests(row)) for row in rows):
        found = _answers(generator, [request for _, asked in part for request in asked], label)
        left += [request.key for _, asked in part for request in asked if request.key not in found]
        if not left:
            yield [(row, [(request, found[request.key]) for request in asked]) for row, asked in part]
    finish(generator)
    if left:
        raise Problem(f"{generator.fingerprint}: {len(left)} requests got no answer, first {left[0]}")


def _answers(generator: Generator, requests: Sequence[Request], label: str) -> dict[str, Completion]:
    found: dict[str, Completion] = {}
    with bar(label, len(requests), "request") as shown:
        for completion in generator.generate(requests):
            found[completion.key] = completion
            shown.update()
    return found


def _parts(asked: Iterable[tuple[Row, list[Request]]]) -> Iterator[list[tuple[Row, list[Request]]]]:
    part: list[tuple[Row, list[Request]]] = []
    size = 0
    for row, requests in asked:
        part.append((row, requests))
        size += sum(len(request.user) for request in requests)
        if len(part) >= PART_ROWS or size >= PART_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part
