"""What was answered once is never asked again, and a killed run ends in the same bytes as one that was left alone."""

from __future__ import annotations

import json

import pytest

from themis.errors import Problem
from themis.generation import Completion, Request
from themis.generation.backends import generator_for
from themis.generation.cache import CachedGenerator

REQUESTS = [
    Request(key=f"k{i}", user="word " * (i % 5) + str(i), system="Pick one.", options=("A", "B", "T"))
    for i in range(12)
]


class Scripted:
    """Answers with the length of the text; can die, refuse, and tells what it was asked."""

    def __init__(self, fingerprint="scripted", dies_after=None, refuses=()):
        self.fingerprint, self.dies_after, self.refuses, self.asked = fingerprint, dies_after, refuses, []

    def generate(self, requests):
        for request in requests:
            if len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(request.key)
            if request.key in self.refuses:
                yield Completion(request.key, missing_reason="refused")
            else:
                yield Completion(request.key, text=str(len(request.user)), finish_reason="stop")


def texts(generator, requests):
    return {c.key: c.text for c in generator.generate(requests)}


def test_answers_are_asked_once_and_survive_a_kill(tmp_path):
    file = tmp_path / "cache.jsonl"
    with pytest.raises(KeyboardInterrupt):
        texts(CachedGenerator(Scripted(dies_after=5), file), REQUESTS)
    with file.open("ab") as stream:
        stream.write(b'{"request": "abc", "text": "cut')  # kill -9 in the middle of a write
    second = Scripted()
    found = texts(CachedGenerator(second, file), REQUESTS)
    assert len(second.asked) == 7
    assert found == texts(Scripted(), REQUESTS)
    third = Scripted()
    assert texts(CachedGenerator(third, file), reversed(REQUESTS)) == found
    assert third.asked == []


def test_another_model_or_another_request_is_asked_anew_but_another_key_is_not(tmp_path):
    file = tmp_path / "cache.jsonl"
    base = Request(key="a", user="x", max_new_tokens=5, temperature=0.5, seed=1)
    texts(CachedGenerator(Scripted(), file), [base])
    for change in ({"user": "y"}, {"system": "s"}, {"max_new_tokens": 6}, {"temperature": 0.6}, {"seed": 2}):
        fresh = Scripted()
        texts(CachedGenerator(fresh, file), [Request(**{**vars(base), **change})])
        assert fresh.asked == ["a"], change
    other, same = Scripted("another model"), Scripted()
    texts(CachedGenerator(other, file), [base])
    assert other.asked == ["a"]
    twins = [Request(**{**vars(base), "key": key}) for key in ("p", "q")]
    assert texts(CachedGenerator(same, file), twins) == {"p": "1", "q": "1"}
    assert same.asked == []


def test_equal_requests_are_asked_once_and_refusals_again(tmp_path):
    file = tmp_path / "cache.jsonl"
    twins = [Request(key=key, user="x", max_new_tokens=5) for key in ("q", "p", "r")]
    first = Scripted(refuses={"p"})
    reasons = {c.key: c.missing_reason for c in CachedGenerator(first, file).generate(twins)}
    assert first.asked == ["p"]
    assert reasons == {"p": "refused", "q": "refused", "r": "refused"}
    assert texts(CachedGenerator(Scripted(), file), twins) == {"p": "1", "q": "1", "r": "1"}


def test_a_resumed_run_of_a_model_gives_the_same_bits(tmp_path, llama):
    def run(file):
        generator = generator_for(llama, batch_tokens=120, cache=file)
        return {c.key: c for c in generator.generate(REQUESTS)}

    whole, half = tmp_path / "whole.jsonl", tmp_path / "half.jsonl"
    expected = run(whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(REQUESTS)
    for kept in (lines[:5], lines[1::3], lines[:-1]):
        half.write_bytes(b"".join(kept))
        assert run(half) == expected  # to the last bit, though only some of the batches ran
        assert sorted(half.read_bytes().splitlines()) == sorted(whole.read_bytes().splitlines())


def test_a_finished_cache_needs_no_computation(tmp_path, llama, monkeypatch):
    file = tmp_path / "cache.jsonl"
    expected = list(generator_for(llama, cache=file).generate(REQUESTS))
    generator = generator_for(llama, cache=file)
    monkeypatch.setattr("themis.generation.transformers_backend.Batch", None)
    assert sorted(generator.generate(REQUESTS), key=repr) == sorted(expected, key=repr)


def test_a_damaged_line_is_a_problem_with_its_number(tmp_path):
    file = tmp_path / "cache.jsonl"
    texts(CachedGenerator(Scripted(), file), REQUESTS[:1])
    with file.open("ab") as stream:
        stream.write(json.dumps({"other": 1}).encode() + b"\n")
    with pytest.raises(Problem, match="line 2 is no stored answer"):
        CachedGenerator(Scripted(), file)
