"""Retrieve: both contents of every selected change, from whichever of its repositories has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from themis import chance
from themis.contents.decode import decode, refused_mode
from themis.errors import Problem
from themis.progress import bar
from themis.records import SCHEMAS, Ledger, read, write
from themis.repositories.objects import Blob, read_blobs
from themis.repositories.repository import open_repository

_MISSING = "blob missing"
_NOT_AT_HAND = "repository not at hand"
_UNREADABLE = "repository unreadable"
_ELSEWHERE = (_MISSING, _NOT_AT_HAND, _UNREADABLE)  # another repository of the row may still have it

# What a copy of a blob came to: its text and encoding, or the reason why it has none. A copy is (repository, object).
_Outcome = tuple[str, str] | str
_Copy = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Change:
    id: str
    split: str
    old_blob: str
    new_blob: str
    repositories: list[str]


def retrieve(
    selected: Path, tables: Path, out: Path, ledger: Path, *, shard: int, shards: int, max_bytes: int
) -> pa.Table:
    """Write and return the retrieved table of one shard, sorted by id: selected rows and both contents.

    A row belongs to a shard by a hash of its id. Where a repository lacks a blob, the row's next one is asked; all
    other reasons are the blob's own. `encoding` names both, old then new, where they differ.
    Raises Problem for a shard out of range.
    """
    if not 0 <= shard < shards:
        raise Problem(f"shard {shard} of {shards}: shards are numbered 0 to {shards - 1}")
    places = read(Path(tables) / "repositories.parquet", "repositories")
    folders = dict(zip(places["repo_name"].to_pylist(), map(Path, places["path"].to_pylist()), strict=True))
    rows = _shard(read(selected, "selected"), shard, shards)
    changes = [_Change(*values) for values in zip(*(rows[name].to_pylist() for name in _Change.__slots__), strict=True)]
    account = Ledger("retrieve")
    refused = _refused(rows)
    pending = [change for change in changes if change.id not in refused]
    found = _contents(pending, folders, max_bytes)

    kept: list[int] = []
    texts: list[tuple[str, str, str]] = []
    for i, change in enumerate(changes):
        why = refused.get(change.id)
        if why is None:
            old, new = (_best(change, oid, found) for oid in (change.old_blob, change.new_blob))
            why = next((one for one in (old, new) if isinstance(one, str)), None)
        if why is not None:
            account.drop(why, scope=change.split)
            continue
        account.keep(scope=change.split)
        kept.append(i)
        texts.append((old[0], new[0], old[1] if old[1] == new[1] else f"{old[1]},{new[1]}"))

    table = rows.take(pa.array(kept, pa.int64()))
    for i, name in enumerate(("old_contents", "new_contents", "encoding")):
        table = table.append_column(name, pa.chunked_array([[text[i] for text in texts]], pa.string()))
    table = table.cast(SCHEMAS["retrieved"])
    write(table, out, "retrieved", inputs=[selected])
    account.write(ledger, inputs=[selected])
    return table


def _shard(rows: pa.Table, shard: int, shards: int) -> pa.Table:
    mine = [chance.digest(0, "shard", row) % shards == shard for row in rows["id"].to_pylist()]
    return rows.filter(pa.array(mine, pa.bool_())).sort_by("id")


def _refused(rows: pa.Table) -> dict[str, str]:
    """The reason, by id, of rows whose change is not one of files, by their modes."""
    columns = (rows[name].to_pylist() for name in ("id", "old_mode", "new_mode"))
    reasons = ((row, refused_mode(old) or refused_mode(new)) for row, old, new in zip(*columns, strict=True))
    return {row: why for row, why in reasons if why}


def _contents(changes: list[_Change], folders: dict[str, Path], max_bytes: int) -> dict[_Copy, _Outcome]:
    """What each copy of a blob came to, that had to be looked at.

    In every round the rows still lacking a blob ask their next repository for it, so that each is opened once a round.
    """
    found: dict[_Copy, _Outcome] = {}
    lacking = [(change, oid) for change in changes for oid in (change.old_blob, change.new_blob)]
    with bar("contents", unit="blob") as shown:
        turn = 0
        while lacking:
            asked: dict[str, set[str]] = defaultdict(set)
            for change, oid in lacking:
                asked[change.repositories[turn]].add(oid)
            for name in sorted(asked):
                for oid, outcome in _ask(folders.get(name), sorted(asked[name]), max_bytes):
                    found[name, oid] = outcome
                    shown.update()
            lacking = [
                (change, oid)
                for change, oid in lacking
                if found[change.repositories[turn], oid] in _ELSEWHERE and turn + 1 < len(change.repositories)
            ]
            turn += 1
    return found


def _ask(folder: Path | None, oids: list[str], max_bytes: int) -> Iterator[tuple[str, _Outcome]]:
    if folder is None:
        yield from ((oid, _NOT_AT_HAND) for oid in oids)
        return
    answered = 0
    try:
        with open_repository(folder) as repository:
            for blob in read_blobs(repository, oids, max_bytes):
                yield blob.oid, _outcome(blob)
                answered += 1
    except Problem:  # one damaged repository must not end the others' work; the ledger says how many rows it cost
        yield from ((oid, _UNREADABLE) for oid in oids[answered:])


def _best(change: _Change, oid: str, found: dict[_Copy, _Outcome]) -> _Outcome:
    """The answer of the first repository that has the blob, or the last one's reason for not having it."""
    answers = [found[name, oid] for name in change.repositories if (name, oid) in found]
    return next((answer for answer in answers if answer not in _ELSEWHERE), answers[-1])


def _outcome(blob: Blob) -> _Outcome:
    if blob.size is None:
        return _MISSING
    return "larger than the limit" if blob.data is None else decode(blob.data)
