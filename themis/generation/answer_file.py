"""Answers on disk, a JSON line each: appended as they come, found by the digest of their request."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import time
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from themis.errors import Problem
from themis.generation.protocol import Completion, Request, Token
from themis.records.appended import not_ours, whole_lines

_WHAT = "stored answer"
_START = b'{"request": "'
_DIGEST = slice(len(_START), len(_START) + 64)
_SYNC_S = 1.0  # what a power failure may take; a killed process loses no line that was written
_FIELDS = tuple(field.name for field in dataclasses.fields(Completion) if field.name != "key")


class AnswerFile:
    """An append-only file of one process at a time, with an index of 24 bytes an answer in memory.

    Raises Problem where another process has it open, or a line is none of its own. A last line cut short is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self.path.open("ab")
        _lock(self._writer, self.path)
        self._reader = self.path.open("rb")
        self._digests, self._offsets, self._end = _index(self.path)
        self._fresh: dict[bytes, int] = {}
        self._synced = time.monotonic()

    def __contains__(self, digest: str) -> bool:
        return self._offset(digest) is not None

    def __getitem__(self, digest: str) -> Completion:
        """The answer kept for a request, with an empty key. Raises KeyError where there is none."""
        offset = self._offset(digest)
        if offset is None:
            raise KeyError(digest)
        self._reader.seek(offset)
        return parse(self._reader.readline(), self.path)[1]

    def add(self, answers: Mapping[str, Completion]) -> None:
        """Append answers; they are with the operating system on return, and on the disk within a second or at `sync`."""
        lines = []
        for digest, completion in answers.items():
            lines.append(_line(digest, completion))
            self._fresh[_short(digest)] = self._end
            self._end += len(lines[-1])
        self._writer.write(b"".join(lines))
        self._writer.flush()
        if time.monotonic() - self._synced > _SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Return when everything is on the disk."""
        os.fsync(self._writer.fileno())
        self._synced = time.monotonic()

    def _offset(self, digest: str) -> int | None:
        short = _short(digest)
        if short in self._fresh:
            return self._fresh[short]
        place = int(np.searchsorted(self._digests, np.bytes_(short)))
        found = place < len(self._digests) and self._digests[place].ljust(16, b"\0") == short
        return int(self._offsets[place]) if found else None


def request_digest(fingerprint: str, request: Request) -> str:
    """The SHA-256 of the model and of what it is asked, in hex: the name of the answer."""
    fields = dataclasses.asdict(request)
    del fields["key"]
    for later in ("turns", "thinking"):  # fields that came later leave the names of older answers as they were
        if not fields[later]:
            del fields[later]
    return hashlib.sha256(json.dumps([fingerprint, fields], sort_keys=True).encode()).hexdigest()


def stored(path: Path) -> Iterator[tuple[str, Completion]]:
    """Every answer in a file with the digest of its request, in the order they came; a last line cut short left out."""
    with Path(path).open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield parse(line, path)


def kept(completion: Completion) -> bool:
    """Whether an answer came, be it of no use: one that would be the same again. Else it is asked for another time."""
    return completion.missing_reason is None or completion.finish_reason is not None


def parse(line: bytes, path: Path) -> tuple[str, Completion]:
    """Digest and answer of a line of the file at `path`. Raises Problem."""
    try:
        fields = json.loads(line)
        digest = fields.pop("request")
        if fields.get("probabilities") is not None:
            fields["probabilities"] = tuple(fields["probabilities"])
        if fields.get("tokens") is not None:
            fields["tokens"] = tuple(
                Token(text, logprob, tuple((other, value) for other, value in alternatives))
                for text, logprob, alternatives in fields["tokens"]
            )
        return digest, Completion(key="", **fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem(f"{path}: an answer in it cannot be read; delete the file to ask anew") from None


def _line(digest: str, completion: Completion) -> bytes:
    given: dict[str, Any] = {"request": digest}
    for name in _FIELDS:
        value = getattr(completion, name)
        if value is not None:
            given[name] = [dataclasses.astuple(token) for token in value] if name == "tokens" else value
    return json.dumps(given).encode() + b"\n"


def _short(digest: str) -> bytes:
    return bytes.fromhex(digest[:32])


def _lock(stream: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(f"{path}: another run is writing answers to this file; wait for it or stop it") from None
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):  # a file system without locks
            raise


def _index(path: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Beginnings of the digests in order, where their lines start, and where the last whole line ends."""
    digests, offsets, end = bytearray(), array("q"), 0
    for number, line in enumerate(whole_lines(path, _START, _WHAT), 1):
        try:
            if not line.endswith(b"}\n"):
                raise ValueError
            digests += _short(line[_DIGEST].decode())
        except ValueError:
            raise not_ours(path, number, _WHAT) from None
        offsets.append(end)
        end += len(line)
    names = np.frombuffer(bytes(digests), dtype="S16")
    order = np.argsort(names, kind="stable")
    return names[order], np.frombuffer(offsets, dtype=np.int64)[order], end
