"""Answers of batch files taken into the cache: whole or partial results, of a server or of a local run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from themis.generation.answer_file import AnswerFile, kept
from themis.generation.batch_parts import Asked, Part, load, parts
from themis.generation.openai_chat import completion, error_of, refusal
from themis.generation.protocol import Completion
from themis.progress import track


def read_answers(folder: Path) -> Counter[str]:
    """Take in every part whose output file is there: part-0000.output.jsonl, and .errors.jsonl where there is one.

    Returns how many requests came out how: "answered", "answered before", "not done yet", else why they failed. A part
    that was read is done with: what failed in it, or is not in its output, goes to a new part when its step runs again.
    """
    counts: Counter[str] = Counter()
    answers = AnswerFile(Path(load(folder).cache))
    for part in track(parts(folder), "read answers", unit="file"):
        state = part.state
        if state.read:
            continue
        if not part.output.exists():
            counts["not done yet"] += state.requests
            continue
        counts += _merge(part, answers)
        answers.sync()
        part.update(state.model_copy(update={"read": True}))
    return counts


def _merge(part: Part, answers: AnswerFile) -> Counter[str]:
    open_requests = {asked.request: asked for asked in part.asked()}
    counts: Counter[str] = Counter()
    for path in (part.output, part.errors):
        for line in _lines(path):
            asked = open_requests.pop(str(line.get("custom_id")), None)
            if asked is None:
                counts["not of this part"] += 1
            elif asked.request in answers:
                counts["answered before"] += 1
            else:
                answer = _answer(asked, line)
                if kept(answer):
                    answers.add({asked.request: answer})
                counts[answer.missing_reason or "answered"] += 1
    counts["not in the output"] += len(open_requests)
    return +counts


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines; what a killed run cut short is as if it were not there."""
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                try:
                    fields = json.loads(line)
                except ValueError:
                    continue
                if isinstance(fields, dict):
                    yield fields


def _answer(asked: Asked, line: dict[str, Any]) -> Completion:
    response = line.get("response") or {}
    status, told = response.get("status_code"), response.get("body")
    if status == 200:
        try:
            return completion(asked.request, asked.options, asked.logprobs, told)
        except ValueError:
            return Completion(asked.request, missing_reason="answer cut short")
    if status is None:
        said, code = error_of(line)
        return Completion(asked.request, missing_reason=code or said or "failed")
    said, code = error_of(told)
    if status == 429 or status >= 500:
        return Completion(asked.request, missing_reason=f"HTTP {status}")
    return Completion(asked.request, missing_reason=refusal(status, said, code))
