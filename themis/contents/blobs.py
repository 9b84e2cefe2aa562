"""What blobs come to: the order in which they are asked for, and the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from themis.contents.decode import decode
from themis.errors import Problem
from themis.repositories.objects import Blob

MISSING, NOT_AT_HAND, UNREADABLE = "blob missing", "repository not at hand", "repository unreadable"

# The text of a blob and its encoding, or the reason why it has none.
Outcome = tuple[str, str] | str

_WINDOW = 64  # outcomes held: the file before a change is mostly the file after the change before


def asked(needs: Iterable[str]) -> list[str]:
    """The object ids to ask for, in the order of `needs`; not again what was asked for just before."""
    recent: dict[str, None] = {}
    order = []
    for oid in needs:
        if oid not in recent:
            _keep(recent, oid, None)
            order.append(oid)
    return order


def outcomes(needs: Iterable[str], blobs: Iterable[Blob], found: set[str]) -> Iterator[Outcome]:
    """One outcome for each of `needs`, of blobs that come in the order of `asked`; those that are there join `found`.

    When reading fails, this and all later ones are UNREADABLE: one damaged repository must not end the others' work.
    """
    recent: dict[str, Outcome] = {}
    source, damaged = iter(blobs), False
    for oid in needs:
        if oid not in recent:
            outcome: Outcome = UNREADABLE
            if not damaged:
                try:
                    blob = next(source)
                    outcome = _outcome(blob)
                    if blob.size is not None:
                        found.add(oid)
                except Problem:
                    damaged = True
            _keep(recent, oid, outcome)
        yield recent[oid]


def _keep(recent: dict, oid: str, value: object) -> None:
    if len(recent) == _WINDOW:
        del recent[next(iter(recent))]
    recent[oid] = value


def _outcome(blob: Blob) -> Outcome:
    if blob.size is None:
        return MISSING
    return "larger than the limit" if blob.data is None else decode(blob.data)
