"""Instructions written back from the code: what someone would have asked for to get it (paper section 3, stage 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import pyarrow as pa

from themis import chance
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import Row, answered, rows_of_shard
from themis.llm.model import Sampling
from themis.prompting.instructing import STYLES, instruction_request, read_instruction
from themis.records import SCHEMAS


def instruct(
    accepted: pa.Table | Iterable[pa.Table],
    generator: Generator,
    writer: str,
    *,
    sees: Literal["both", "new"] = "both",
    sampling: Sampling,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[pa.Table]:
    """One row per pair (schema "instructions"), in parts; `text` is what the model wrote, `instruction` what is used.

    The model sees both versions, or the new one alone, and is asked in a style that chance picks.
    """

    def requests(row: Row) -> list[Request]:
        request = instruction_request(
            row["id"],
            new=row["new_contents"],
            old=row["old_contents"],
            language=row["language"],
            style=style_of(sampling.seed, row["id"]),
            sees=sees,
            **sampling.of("instruction", row["id"]),
        )
        return [request]

    for part in answered(rows_of_shard(accepted, shard, shards), requests, generator, f"instructions by {writer}"):
        written = [_row(row["id"], writer, style_of(sampling.seed, row["id"]), *asked[0]) for row, asked in part]
        yield pa.Table.from_pylist(written, schema=SCHEMAS["instructions"])


def style_of(seed: int, row: str) -> str:
    """The style that a pair's instruction is asked for in."""
    return chance.pick(seed, "style", row, tuple(STYLES))


def _row(row_id: str, writer: str, style: str, request: Request, answer: Completion) -> dict[str, Any]:
    reading = read_instruction(answer, request)
    return {
        "id": row_id,
        "writer": writer,
        "style": style,
        "instruction": reading.value,
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "missing_reason": reading.why,
    }
