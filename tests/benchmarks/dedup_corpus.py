"""Commits to deduplicate: of real source files, or of random words in any number."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.chance import digest, uniform
from themis.repositories.find import repositories_below
from themis.repositories.log import read_log
from themis.repositories.objects import read_blobs
from themis.repositories.repository import open_repository
from themis.vocabulary import language_of

Commit = tuple[str, str]  # old and new contents

_LARGEST = 100_000  # bytes of a file
_TOGETHER = 1000  # changes whose blobs are read at a time
_WORDS, _VOCABULARY = (30, 110), 20_000  # words of a made-up text, at least and at most; a word has 3 to 8 letters
_BLOCK = 20_000  # made-up commits made at a time


def real_commits(megabytes: float) -> list[Commit]:
    """Changes of files in the clones below the folder that THEMIS_BENCH_REPOSITORIES names, so many at most; without it
    the installed Python packages' files, each with up to 6 % of its lines changed, every third twice."""
    folder = os.environ.get("THEMIS_BENCH_REPOSITORIES")
    found, left = [], megabytes * 1e6
    for old, new in _of_clones(Path(folder)) if folder else _of_packages():
        found.append((old, new))
        left -= len(old) + len(new)
        if left <= 0:
            break
    return found


def write_commits(commits: Iterable[Commit], path: Path) -> None:
    """The commits as a `retrieved` table, in the order of ids that have nothing to do with their texts."""
    named = sorted((f"{digest(0, 'commit', str(i)):032x}", old, new) for i, (old, new) in enumerate(commits))
    ids, old, new = map(list, zip(*named, strict=True))
    records.write(_table(ids, pa.array(old), pa.array(new)), path, "retrieved")


def write_made_up(rows: int, path: Path) -> None:
    """So many commits of 0.3 to 1.5 kB, old and new text, a fifth of them near-copies of another one."""
    draw = np.random.default_rng(0)
    letters = draw.integers(ord("a"), ord("z") + 1, (_VOCABULARY, 8), np.uint8)
    words = pa.array([bytes(word[: 3 + at % 6]).decode() for at, word in enumerate(letters)])
    blocks = (
        _made_up(first, min(_BLOCK, rows - first), words, np.random.default_rng([1, first]))
        for first in range(0, rows, _BLOCK)
    )
    records.write(blocks, path, "retrieved")


def _of_packages() -> Iterator[Commit]:
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        if 0 < path.stat().st_size <= _LARGEST:
            text = path.read_text(encoding="utf-8", errors="replace")
            edited = _edited(text, str(path))
            yield text, edited
            if digest(0, "twice", str(path)) % 3 == 0:
                copy = _edited(text, f"copy of {path}")
                yield copy, _edited(copy, f"copy of {path}, edited")


def _edited(text: str, row: str) -> str:
    lines = text.splitlines(keepends=True)
    for change in range(1 + int(0.06 * uniform(0, "changes", row) * len(lines))):
        at = digest(0, f"line {change}", row) % len(lines)
        lines[at] = f"changed_{digest(0, f'value {change}', row)} = {change}\n"
    return "".join(lines)


def _of_clones(folder: Path) -> Iterator[Commit]:
    for root in repositories_below(folder):
        with open_repository(root) as repository:
            changes = (
                (change.old_sha1, change.new_sha1)
                for commit in read_log(repository)
                for change in commit.differences
                if change.old_sha1 and change.new_sha1 and language_of(change.new_path)
            )
            while some := list(islice(changes, _TOGETHER)):
                blobs = [blob.data for blob in read_blobs(repository, (oid for pair in some for oid in pair), _LARGEST)]
                for old, new in zip(blobs[::2], blobs[1::2], strict=True):
                    if old and new and old != new:
                        yield old.decode(errors="replace"), new.decode(errors="replace")


def _made_up(first: int, rows: int, words: pa.Array, draw: np.random.Generator) -> pa.Table:
    lengths = draw.integers(*_WORDS, rows)
    source = np.arange(rows)
    copies = draw.random(rows) < 0.2
    source[copies] = draw.integers(0, rows, copies.sum())
    lengths = lengths[source]
    starts = np.cumsum(lengths) - lengths
    picked = draw.integers(0, _VOCABULARY, int(lengths.max()) * rows).reshape(rows, -1)
    within = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    chosen = picked[np.repeat(source, lengths), within]
    chosen[draw.random(len(chosen)) < 0.01] = 0
    old = _joined(words, chosen, starts)
    chosen[draw.random(len(chosen)) < 0.05] = 1
    return _table([f"{first + at:032x}" for at in range(rows)], old, _joined(words, chosen, starts))


def _joined(words: pa.Array, chosen: np.ndarray, starts: np.ndarray) -> pa.Array:
    lists = pa.ListArray.from_arrays(pa.array(np.append(starts, len(chosen)), pa.int32()), words.take(pa.array(chosen)))
    return pc.binary_join(lists, " ")


def _table(ids: list[str], old: pa.Array, new: pa.Array) -> pa.Table:
    """A retrieved table of these texts; every blob is its own, and every tenth row is the benchmark's."""
    same = {
        "commit": "c", "repository": "o/n", "license": "mit", "path": "a.py", "subject": "s", "message": "m",
        "language": "Python", "encoding": "utf-8", "old_mode": 0o100644, "new_mode": 0o100644, "committed_at": 0,
    }  # fmt: skip
    columns = {name: pa.repeat(value, len(ids)) for name, value in same.items()}
    columns |= {"id": ids, "old_blob": ids, "new_blob": ids, "old_contents": old, "new_contents": new}
    columns["repositories"] = pa.array([["o/n"]] * len(ids))
    columns["split"] = ["benchmark" if at % 10 == 0 else "train" for at in range(len(ids))]
    return pa.table(columns)
