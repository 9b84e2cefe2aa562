"""Preference pairs of real commits cut down to the lines around the change: what two cores can train on in an hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from themis import records
from themis.prompting.chat import Chat

_COLUMNS = ["id", "split", "kept", "path", "language", "old_contents", "new_contents"]
_ASPECT = "functional_correctness"  # the tables want one; nothing here reads it


def write(deduplicated: Path, chat: Chat, folder: Path, tokens: int) -> dict[str, int]:
    """Write train.parquet (preference pairs) and held_out.parquet (benchmark) of what was kept; rows of each.

    Both sides are the changed lines and as many around them as fit in `tokens`; a change that is longer is left out,
    so is one of which nothing is left on a side. The prompt names the file, and not what was changed.
    """
    train, test = [], []
    for row in _rows(deduplicated):
        old, new = window(row["old_contents"], row["new_contents"], chat, tokens) or ("", "")
        if not old.strip() or not new.strip() or old == new:
            continue
        prompt = f"Write this part of {PurePosixPath(row['path']).name} in {row['language']}."
        pair = {"chosen": new, "rejected": old, "language": row["language"], "aspect": _ASPECT}
        if row["split"] == "train":
            train.append({"idx": row["id"], "system": None, "input": prompt, "source": "commits", **pair})
        else:
            test.append({"id": row["id"], "prompt": prompt, "subset": "COMMITS", **pair})
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, pa.string()) for name in train[0]])
    records.write(pa.Table.from_pylist(train, schema), folder / "train.parquet", "preferences")
    records.write(pa.Table.from_pylist(test), folder / "held_out.parquet", "benchmark")
    return {"train": len(train), "held out": len(test)}


def window(old: str, new: str, chat: Chat, tokens: int) -> tuple[str, str] | None:
    """The lines from the first to the last changed one in both versions, and lines around them while they fit."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    top = 0
    while top < min(len(before), len(after)) and before[top] == after[top]:
        top += 1
    bottom = 0
    while bottom < min(len(before), len(after)) - top and before[-1 - bottom] == after[-1 - bottom]:
        bottom += 1

    def length(lines: list[str]) -> int:
        return sum(map(len, chat.tokenizer(lines, add_special_tokens=False).input_ids)) if lines else 0

    changed = [lines[top : len(lines) - bottom] for lines in (before, after)]
    if max(map(len, changed)) > tokens:
        return None
    left = tokens - max(map(length, changed))
    if left < 0:
        return None
    above, below = before[max(top - tokens, 0) : top], after[len(after) - bottom :][:tokens]
    around = 0
    while around < max(len(above), len(below)):
        more = above[-1 - around : len(above) - around] if around < len(above) else []
        left -= length(more + below[around : around + 1])
        if left < 0:
            break
        around += 1
    kept_above = above[len(above) - min(around, len(above)) :]
    return tuple("".join(kept_above + lines + below[:around]) for lines in changed)


def _rows(deduplicated: Path) -> Iterator[dict[str, str]]:
    for batch in pq.ParquetFile(deduplicated).iter_batches(256, columns=_COLUMNS):
        for row in batch.to_pylist():
            if row["kept"] and row["old_contents"] and row["new_contents"]:
                yield row
