"""Labelled pairs and a generator that plays a part."""

from __future__ import annotations

import hashlib
import re

import pyarrow as pa
import pytest

from themis.generation import Completion
from themis.records import SCHEMAS
from themis.vocabulary import CODE_CRITERIA

_BLANK = {
    "string": "x",
    "int64": 0,
    "double": 0.1,
    "bool": True,
    "list<item: string>": ["x"],
    "list<element: string>": ["x"],
}


class Scripted:
    """Answers by a function of the request: probabilities, a text, or a dict of the completion's fields."""

    def __init__(self, answer, fingerprint="scripted"):
        self.answer, self.fingerprint, self.asked = answer, fingerprint, []

    def generate(self, requests):
        self.asked = list(requests)
        for request in reversed(self.asked):
            answer = self.answer(request)
            if isinstance(answer, str):
                answer = {"text": answer, "finish_reason": "stop"}
            elif isinstance(answer, tuple):
                answer = {"probabilities": answer}
            yield Completion(request.key, **answer)


@pytest.fixture
def scripted():
    return Scripted


@pytest.fixture
def marked():
    """A reply to a request for a text: the content between the marks that the request ends with."""

    def reply(request, content):
        opening, closing = re.findall(r"\[/?[A-Z]+ \d+\]", request.user)[-2:]
        return f"I have looked at it. {opening} {content} {closing}"

    return reply


@pytest.fixture
def make_labelled():
    """A table of `count` pairs, the five criteria in turn; keyword lists replace columns."""

    def make(count=10, **columns):
        rows = []
        for index in range(count):
            row = {field.name: _BLANK[str(field.type)] for field in SCHEMAS["labelled"]}
            row["id"] = hashlib.md5(str(index).encode()).hexdigest()
            row["aspect"] = str(CODE_CRITERIA[index % 5])
            row["split"], row["language"], row["reached"] = "train", "Python", "term"
            row["subject"] = f"Improve number {index}"
            row["old_contents"] = f"def f():\n    x = {index}\n    return old\n"
            row["new_contents"] = f"def f():\n    x = {index}\n    return new\n"
            row.update({name: values[index] for name, values in columns.items()})
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=SCHEMAS["labelled"])

    return make
