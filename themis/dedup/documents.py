"""The document that stands for a commit when commits are compared: its chosen key columns as one text."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from themis.errors import Problem

Key = Literal["old", "new", "diff"]

_COLUMNS = {"old": "old_contents", "new": "new_contents"}
_REMOVED, _ADDED = "_ ", "__ "  # words, so that to add some lines is not the same as to remove them


def documents(table: pa.Table, columns: Sequence[Key]) -> pa.ChunkedArray:
    """One text per row, large strings: the key columns in the order given, joined by line breaks.

    `old` and `new` are the contents before and after. `diff` is the changed lines in the order of a unified diff without
    headers and context, each behind a mark that is a word: `_` where it was removed, `__` where it was added.
    Raises Problem for another column.
    """
    for name in columns:
        if name not in (*_COLUMNS, "diff"):
            raise Problem(f"dedup.columns: {name} is not old, new or diff")
    texts = [
        _differences(table) if name == "diff" else table[_COLUMNS[name]].cast(pa.large_string()) for name in columns
    ]
    if len(texts) == 1:
        return texts[0]
    return pc.binary_join_element_wise(*texts, pa.scalar("\n", pa.large_string()))


def changed_lines(old: str, new: str) -> str:
    """The lines that differ between two texts, marked and in the order of a unified diff."""
    before, after = old.splitlines(), new.splitlines()
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    end = 0
    while end < min(len(before), len(after)) - same and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[same : len(before) - end], after[same : len(after) - end]
    lines = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if tag != "equal":
            lines += [_REMOVED + line for line in before[i:j]]
            lines += [_ADDED + line for line in after[k:m]]
    return "\n".join(lines)


def _differences(table: pa.Table) -> pa.ChunkedArray:
    pairs = zip(*(table[name].to_pylist() for name in _COLUMNS.values()), strict=True)
    return pa.chunked_array([pa.array([changed_lines(old, new) for old, new in pairs], pa.large_string())])
