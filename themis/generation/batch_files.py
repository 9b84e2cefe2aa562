"""Requests put into batch files instead of being asked at once: the OpenAI batch form, which vLLM's run-batch reads too.

A language model of the back end `openai` with the setting `batch: FOLDER` is asked by files. A step then runs as ever,
with the same settings and the same cache; what the cache lacks goes to FOLDER/<name of the cache>/part-0000.jsonl and
so on, and `finish(generator)`, which a step calls when all of its requests were handed over, ends it with a Problem that
says what to do next:

    themis batch-submit FOLDER/<name>     upload every part and have it worked on
                                          (or: vllm run-batch -i part-0000.jsonl -o part-0000.output.jsonl --model ...)
    themis batch-status FOLDER/<name>     how far it is
    themis batch-read FOLDER/<name>       take the answers into the cache, count the failed by reason

Run again, the step finds its answers in the cache, and puts into new parts only what is in no part that is still out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from themis.errors import Problem
from themis.generation.answer_file import request_digest
from themis.generation.batch_parts import Asked, Batch, Part, create, next_part, parts
from themis.generation.openai_chat import body, fingerprint, holds_markup
from themis.generation.protocol import Completion, Generator, Request
from themis.study.models import OpenAI

ENDPOINT = "/v1/chat/completions"
PART_REQUESTS, PART_BYTES = 50_000, 200_000_000  # what the server takes in one file
WAITS = "waits in a batch file"


def finish(generator: Generator) -> None:
    """Say that everything was asked. Raises Problem where requests wait in batch files, so that no table is written."""
    ends = getattr(generator, "finish", None)
    if ends is not None:
        ends()


class BatchWriter:
    """Stands where a generator would ask: every request becomes a line of a part, unless it is in one that is out.

    The line's name is the digest that the cache keeps the answer under; beside each part lies what reading its answers
    needs. Parts appear when they are full, and the last at `finish`; a killed run leaves whole parts only.
    """

    def __init__(self, settings: OpenAI, folder: Path, cache: Path) -> None:
        self.fingerprint = fingerprint(settings)
        self._settings = settings
        self._folder = Path(folder)
        create(self._folder, Batch(settings=settings, cache=str(cache)))
        self._out = {asked.request for part in parts(self._folder) if not part.state.read for asked in part.asked()}
        self._waiting = 0
        self._asked: list[Asked] = []
        self._part: Part | None = None
        self._stream: BinaryIO | None = None

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Write every request down; each is missing as long as its answer waits."""
        for request in requests:
            if holds_markup(request, self._settings):
                yield Completion(request.key, missing_reason="special token in the text")
                continue
            digest = request_digest(self.fingerprint, request)
            if digest not in self._out:
                self._write(digest, request)
            self._waiting += 1
            yield Completion(request.key, missing_reason=WAITS)

    def finish(self) -> None:
        """Close the last part. Raises Problem where requests wait."""
        self._close()
        if self._waiting:
            count = sum(not part.state.read for part in parts(self._folder))
            raise Problem(
                f"{self._folder}: {self._waiting} requests wait in {count} batch files; submit them (themis batch-submit),"
                " read the answers (themis batch-read), then run this step again"
            )

    def _write(self, digest: str, request: Request) -> None:
        fields = {"custom_id": digest, "method": "POST", "url": ENDPOINT, "body": body(request, self._settings)}
        line = json.dumps(fields).encode() + b"\n"
        if self._stream and (len(self._asked) == PART_REQUESTS or self._stream.tell() + len(line) > PART_BYTES):
            self._close()
        if self._stream is None:
            self._part = next_part(self._folder)
            self._stream = self._part.unfinished.open("wb")
        self._stream.write(line)
        self._out.add(digest)
        self._asked.append(Asked(request=digest, options=request.options, logprobs=request.logprobs))

    def _close(self) -> None:
        if self._part and self._stream:
            self._stream.close()
            self._part.complete(self._asked)
        self._part, self._stream, self._asked = None, None, []
