"""Instructions written back from the code: what someone would have asked for to get it (paper section 3, stage 5)."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from themis import chance
from themis.generation.protocol import Completion, Generator, Request
from themis.llm.asking import answers, rows_of_shard
from themis.prompting.templates import render
from themis.records import SCHEMAS

# Who might be asking; the words complete "Write it as ...".
STYLES: dict[str, str] = {
    "course_task": "a task of a programming course",
    "forum_question": "a question on a programming forum",
    "chat_request": "a message to a coding assistant",
    "search_query": "a web search query",
    "contest_problem": "a problem of a programming contest",
}

_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*(?=\s|$)")
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def instruct(
    accepted: pa.Table,
    generator: Generator,
    writer: str,
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    shard: int = 0,
    shards: int = 1,
) -> pa.Table:
    """One row per pair (schema "instructions"), by id; `text` is what the model wrote, `instruction` what is used of it.

    The model sees the new code alone and is asked for its task, in a style that chance picks.
    """
    rows = rows_of_shard(accepted, shard, shards)
    styles = {row["id"]: chance.pick(seed, "style", row["id"], tuple(STYLES)) for row in rows}
    requests = [_request(row, styles[row["id"]], max_new_tokens, temperature, seed) for row in rows]
    found = answers(generator, requests, f"instructions by {writer}")
    written = [_row(row["id"], writer, styles[row["id"]], found[row["id"]]) for row in rows]
    return pa.Table.from_pylist(written, schema=SCHEMAS["instructions"])


def instruction_in(text: str, *, cut: bool) -> str | None:
    """The instruction in a reply: its first paragraph without code blocks and thoughts, or None where nothing is left.

    Where the reply was cut by its length within that paragraph, it ends with the last whole sentence, if there is one.
    """
    reply = text.rpartition("</think>")[2]
    if "<think>" in reply:
        return None
    prose = _FENCED.sub("\n\n", reply).strip()
    paragraph, *others = re.split(r"\n[ \t]*\n", prose, maxsplit=1)
    paragraph = " ".join(paragraph.split())
    if cut and not others:
        ends = list(_SENTENCE_END.finditer(paragraph))
        paragraph = paragraph[: ends[-1].end()] if ends else paragraph
    return paragraph or None


def _request(row: dict[str, Any], style: str, max_new_tokens: int, temperature: float, seed: int) -> Request:
    system, user = render(
        "instruction", code=row["new_contents"], language=row["language"], style=STYLES[style]
    )  # fmt: skip
    return Request(
        key=row["id"],
        system=system,
        user=user,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=chance.digest(seed, "instruction", row["id"]) if temperature > 0 else 0,
    )


def _row(row_id: str, writer: str, style: str, answer: Completion) -> dict[str, Any]:
    instruction = None
    missing = answer.missing_reason
    if answer.text is not None:
        instruction = instruction_in(answer.text, cut=answer.finish_reason == "length")
        missing = None if instruction else "empty"
    return {
        "id": row_id,
        "writer": writer,
        "style": style,
        "instruction": instruction,
        "text": answer.text,
        "missing_reason": missing,
    }
