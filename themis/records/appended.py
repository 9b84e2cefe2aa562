"""Append-only files of JSON lines: results kept as they come, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from themis.errors import Problem

Value = TypeVar("Value")

_BEGINNING = b'{"key": "'


def read_entries(path: Path, value: Callable[[dict[str, Any]], Value], what: str) -> dict[str, Value]:
    """What `value` makes of the fields of every entry, by the entries' keys; nothing where there is no file.

    The folder of the file is made. What a killed run left of a last line is cut off. Raises Problem, and leaves the file
    as it is, where a line is no entry, which `what` names, or `value` raises ValueError, KeyError or TypeError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    entries: dict[str, Value] = {}
    if path.exists():
        for number, line in enumerate(whole_lines(path, _BEGINNING, what), 1):
            try:
                fields = json.loads(line)
                entries[fields.pop("key")] = value(fields)
            except (ValueError, KeyError, TypeError):
                raise not_ours(path, number, what) from None
    return entries


def append_entry(path: Path, key: str, **fields: Any) -> None:
    """Add an entry; it is on the disk on return. Raises ValueError for a number that is not finite."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"key": key, **fields}, allow_nan=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def whole_lines(path: Path, beginning: bytes, what: str) -> Iterator[bytes]:
    """The lines of a file whose lines all begin alike; after the last one was taken, an unfinished one is cut off.

    Raises Problem, and leaves the file as it is, where a line begins otherwise: the file is someone else's.
    """
    end = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            finished = line.endswith(b"\n")
            if not (line.startswith(beginning) or (not finished and beginning.startswith(line))):
                raise not_ours(path, number, what)
            if finished:
                end += len(line)
                yield line
    if end < path.stat().st_size:  # or the next line would be glued to the remains
        os.truncate(path, end)


def not_ours(path: Path, number: int, what: str) -> Problem:
    """The Problem of a file with a line that is no `what`."""
    return Problem(f"{path}: line {number} is no {what}; name another file, or delete this one to begin anew")
