"""Answers kept on disk as they come, so that a stopped run goes on where it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from themis.errors import Problem
from themis.generation.protocol import Completion, Generator, Request


@runtime_checkable
class BatchedGenerator(Protocol):
    """A generator whose answers depend, by rounding, on what is computed together."""

    fingerprint: str

    def generate_batches(
        self, requests: Iterable[Request], answered: Collection[str] = frozenset()
    ) -> Iterator[list[Completion]]:
        """Answers batch by batch; batches whose keys are all `answered` are left out, the others computed whole."""
        ...


class CachedGenerator:
    """A generator in front of an append-only JSONL file of one process.

    A line holds the SHA-256 of (fingerprint, request without its key) and the answer, numbers in full. Lines are on
    the disk before their answers are handed out; a last line cut short by a kill is dropped on opening. Equal requests
    are asked once. Requests without an answer are not kept: they are asked again next time.
    """

    def __init__(self, generator: Generator | BatchedGenerator, file: Path) -> None:
        self._generator = generator
        self._file = Path(file)
        self._answers = _load(self._file)
        self.fingerprint = generator.fingerprint

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once: those in the file first, then the others as they are done."""
        keys: dict[str, list[str]] = {}
        asked: dict[str, Request] = {}
        for request in sorted(requests, key=lambda request: request.key):
            digest = _digest(self.fingerprint, request)
            keys.setdefault(digest, []).append(request.key)
            asked.setdefault(digest, request)
        digests = {request.key: digest for digest, request in asked.items()}
        answered = {key for key, digest in digests.items() if digest in self._answers}
        for digest in digests.values():
            if digest in self._answers:
                yield from _spread(self._answers[digest], keys[digest])
        for batch in self._batches(list(asked.values()), answered):
            fresh = [completion for completion in batch if completion.key not in answered]
            self._keep({digests[completion.key]: completion for completion in fresh})
            for completion in fresh:
                yield from _spread(completion, keys[digests[completion.key]])

    def _batches(self, requests: list[Request], answered: Collection[str]) -> Iterator[list[Completion]]:
        if len(answered) == len(requests):
            return
        if isinstance(self._generator, BatchedGenerator):
            yield from self._generator.generate_batches(requests, answered)
        else:
            for completion in self._generator.generate([r for r in requests if r.key not in answered]):
                yield [completion]

    def _keep(self, completions: dict[str, Completion]) -> None:
        lines = []
        for digest, completion in completions.items():
            if completion.missing_reason is None:
                self._answers[digest] = completion
                answer = {name: getattr(completion, name) for name in ("text", "probabilities", "finish_reason")}
                lines.append(json.dumps({"request": digest, **answer}) + "\n")
        if lines:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as stream:
                stream.write("".join(lines).encode())
                stream.flush()
                os.fsync(stream.fileno())


def _digest(fingerprint: str, request: Request) -> str:
    fields = dataclasses.asdict(request)
    del fields["key"]
    return hashlib.sha256(json.dumps([fingerprint, fields], sort_keys=True).encode()).hexdigest()


def _spread(completion: Completion, keys: Iterable[str]) -> Iterator[Completion]:
    for key in keys:
        yield dataclasses.replace(completion, key=key)


def _load(file: Path) -> dict[str, Completion]:
    if not file.exists():
        return {}
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(file, len(whole))
    answers = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            fields = json.loads(line)
            values = fields["probabilities"]
            answers[fields["request"]] = Completion(
                key="",
                text=fields["text"],
                probabilities=None if values is None else tuple(values),
                finish_reason=fields["finish_reason"],
            )
        except (ValueError, KeyError, TypeError):
            raise Problem(f"{file}: line {number} is no stored answer; delete the file to ask anew") from None
    return answers
