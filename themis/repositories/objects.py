"""Blobs by object id, from one `git cat-file`; nothing is checked out, no filter runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from themis.errors import Problem
from themis.repositories.repository import Repository

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob asked for: `size` is None where the repository has no such blob, `data` where it is missing or too large."""

    oid: str
    size: int | None
    data: bytes | None


def read_blobs(repository: Repository, oids: Iterable[str], max_bytes: int) -> Iterator[Blob]:
    """One Blob for each object id, in the order asked; what is larger than `max_bytes` is passed over, never held."""
    oids = list(oids)
    request = (oid.encode("ascii") + b"\n" for oid in oids)
    with repository.stream("cat-file", "--batch", "--buffer", feed=request) as stream:
        for oid in oids:
            header = stream.readline().split()
            if not header:
                raise Problem(f"{repository.folder}: git cat-file ended at object {oid}; the repository is damaged")
            if len(header) != 3:  # "<oid> missing"
                yield Blob(oid, None, None)
                continue
            kind, size = header[1], int(header[2])
            if kind == b"blob" and size <= max_bytes:
                data = stream.read(size)
                _pass(stream, 1)
                yield Blob(oid, size, data)
            else:
                _pass(stream, size + 1)
                yield Blob(oid, size if kind == b"blob" else None, None)


def _pass(stream: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := stream.read(min(size, _CHUNK))):
        size -= len(chunk)
