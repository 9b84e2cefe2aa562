"""Answers kept on disk as they come, so that a stopped run goes on where it was."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from themis.generation.answer_file import AnswerFile, kept, request_digest
from themis.generation.batch_files import finish
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
    """A generator in front of a file of answers (see AnswerFile), which it holds from the first request on.

    Answers are written before they are handed out, under the digest of (fingerprint, request without its key). Equal
    requests are asked once. Answers of no use (filtered, without any option) are kept too; a request that got none is
    asked again next time. Requests are taken as they are needed, but for a generator that works in batches.
    """

    def __init__(self, generator: Generator | BatchedGenerator, file: Path) -> None:
        self._generator = generator
        self._file = Path(file)
        self._answers: AnswerFile | None = None
        self.fingerprint = generator.fingerprint

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once. Raises Problem where another run holds the file."""
        answers = self._answers = self._answers or AnswerFile(self._file)
        try:
            if isinstance(self._generator, BatchedGenerator):
                yield from self._in_batches(self._generator, requests, answers)
            else:
                yield from self._one_by_one(self._generator, requests, answers)
        finally:
            answers.sync()

    def finish(self) -> None:
        """See batch_files.finish."""
        finish(self._generator)

    def _one_by_one(
        self, generator: Generator, requests: Iterable[Request], answers: AnswerFile
    ) -> Iterator[Completion]:
        digests: dict[str, str] = {}  # of what was asked, by key
        keys: dict[str, list[str]] = {}  # that wait for the answer to a digest
        unanswered: dict[str, Completion] = {}
        known: deque[tuple[str, str]] = deque()

        def missing() -> Iterator[Request]:
            for request in requests:
                digest = request_digest(self.fingerprint, request)
                if digest in keys:
                    keys[digest].append(request.key)
                elif digest in answers or digest in unanswered:
                    known.append((request.key, digest))
                else:
                    digests[request.key], keys[digest] = digest, [request.key]
                    yield request

        def found() -> Iterator[Completion]:
            while known:
                key, digest = known.popleft()
                yield dataclasses.replace(unanswered.get(digest) or answers[digest], key=key)

        for completion in generator.generate(missing()):
            digest = digests.pop(completion.key)
            if kept(completion):
                answers.add({digest: completion})
            else:
                unanswered[digest] = completion
            yield from _spread(completion, keys.pop(digest))
            yield from found()
        yield from found()

    def _in_batches(
        self, generator: BatchedGenerator, requests: Iterable[Request], answers: AnswerFile
    ) -> Iterator[Completion]:
        keys: dict[str, list[str]] = {}
        asked: dict[str, Request] = {}
        for request in sorted(requests, key=lambda request: request.key):
            digest = request_digest(self.fingerprint, request)
            keys.setdefault(digest, []).append(request.key)
            asked.setdefault(digest, request)
        digests = {request.key: digest for digest, request in asked.items()}
        answered = {key for key, digest in digests.items() if digest in answers}
        for key, digest in digests.items():
            if key in answered:
                yield from _spread(answers[digest], keys[digest])
        if len(answered) == len(asked):
            return
        for batch in generator.generate_batches(list(asked.values()), answered):
            fresh = [completion for completion in batch if completion.key not in answered]
            answers.add({digests[completion.key]: completion for completion in fresh if kept(completion)})
            for completion in fresh:
                yield from _spread(completion, keys[digests[completion.key]])


def _spread(completion: Completion, keys: Iterable[str]) -> Iterator[Completion]:
    for key in keys:
        yield dataclasses.replace(completion, key=key)
