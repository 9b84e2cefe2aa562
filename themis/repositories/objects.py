"""Blobs by object id, from one `git cat-file`; nothing is checked out, no filter runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from themis.errors import Problem
from themis.repositories import git
from themis.repositories.repository import Repository

_CHUNK = 1 << 16
_Streamed = AbstractContextManager[IO[bytes]]


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob asked for: `size` is None where the repository has no such blob, `data` where it is missing or too large.

    One whose bytes are not those that its name is the hash of is none.
    """

    oid: str
    size: int | None
    data: bytes | None


def read_blobs(repository: Repository, oids: Iterable[str], max_bytes: int) -> Iterator[Blob]:
    """One Blob for each object id, in the order asked; what is larger than `max_bytes` is passed over, never held.

    Raises Problem where the repository is damaged.
    """
    yield from _read(
        lambda command, feed: repository.stream(*command, feed=feed), str(repository.folder), oids, max_bytes
    )


def read_own(git_dir: Path, oids: Iterable[str], max_bytes: int, *, url: str) -> Iterator[Blob]:
    """The same from a git directory that was made here, of blobs of `url`."""
    yield from _read(partial(git.stream, where=url, git_dir=git_dir), url, oids, max_bytes)


def sizes_in(git_dir: Path, oids: Iterable[str]) -> Iterator[tuple[str, int | None]]:
    """Each object id and the size of the blob in a git directory that was made here; None where it is not there."""
    oids = list(oids)
    feed = b"".join(oid.encode("ascii") + b"\n" for oid in oids)
    lines = git.run(["cat-file", "--batch-check", "--buffer"], where=str(git_dir), git_dir=git_dir, feed=feed)
    for oid, line in zip(oids, lines.splitlines(), strict=True):
        facts = line.split()
        yield oid, int(facts[2]) if len(facts) == 3 and facts[1] == b"blob" else None


def _read(stream_of: Callable[..., _Streamed], where: str, oids: Iterable[str], max_bytes: int) -> Iterator[Blob]:
    oids = list(oids)
    request = (oid.encode("ascii") + b"\n" for oid in oids)
    with stream_of(["cat-file", "--batch", "--buffer"], feed=request) as stream:
        for oid in oids:
            header = stream.readline().split()
            if not header:
                raise Problem(f"{where}: git cat-file ended at object {oid}; the repository is damaged")
            if len(header) != 3:  # "<oid> missing"
                yield Blob(oid, None, None)
                continue
            kind, size = header[1], int(header[2])
            if kind == b"blob" and size <= max_bytes:
                data = stream.read(size)
                if len(data) < size:
                    raise Problem(f"{where}: git cat-file ended within object {oid}; the repository is damaged")
                _pass(stream, 1)
                yield Blob(oid, size, data) if _is(data, oid) else Blob(oid, None, None)
            else:
                _pass(stream, size + 1)
                yield Blob(oid, size if kind == b"blob" else None, None)


def _is(data: bytes, oid: str) -> bool:
    """Whether these bytes are the blob of that name; git does not look."""
    digest = (hashlib.sha256 if len(oid) == 64 else hashlib.sha1)(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest() == oid


def _pass(stream: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := stream.read(min(size, _CHUNK))):
        size -= len(chunk)
