"""What was answered once is never asked again, and a killed run ends in the same bytes as one that was left alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tracemalloc

import pytest

from themis.errors import Problem
from themis.generation import Completion, Request, Token
from themis.generation.answer_file import AnswerFile
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


class Fixed:
    """Gives one answer to everything; None: must not be asked."""

    fingerprint = "fixed"

    def __init__(self, answer):
        self.answer = answer

    def generate(self, requests):
        for request in requests:
            yield dataclasses.replace(self.answer, key=request.key)


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
    twins = [Request(key=key, user="x", max_new_tokens=5) for key in ("p", "q", "r")]
    first = Scripted(refuses={"p"})
    reasons = {c.key: c.missing_reason for c in CachedGenerator(first, file).generate(twins)}
    assert first.asked == ["p"]
    assert reasons == {"p": "refused", "q": "refused", "r": "refused"}
    assert texts(CachedGenerator(Scripted(), file), twins) == {"p": "1", "q": "1", "r": "1"}


def test_one_run_finds_its_own_answers_and_asks_equals_on_the_way_once(tmp_path):
    class Eager(Scripted):
        def generate(self, requests):
            yield from super().generate(list(requests))

    scripted = Eager()
    generator = CachedGenerator(scripted, tmp_path / "cache.jsonl")
    twins = [*REQUESTS, *(dataclasses.replace(request, key=f"twin {request.key}") for request in REQUESTS)]
    first = texts(generator, twins)
    assert texts(generator, twins) == first == texts(Scripted(), twins)
    assert sorted(scripted.asked) == sorted(request.key for request in REQUESTS)


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
    whole = file.read_bytes()
    for damage in (json.dumps({"other": 1}).encode(), bytes(200), whole[:-3]):
        file.write_bytes(whole + damage + b"\n")
        with pytest.raises(Problem, match="line 2 is no stored answer"):
            texts(CachedGenerator(Scripted(), file), REQUESTS)


def test_a_file_of_someone_elses_is_refused_and_stays(tmp_path):
    file = tmp_path / "notes.txt"
    for content in (b"dear diary", b"dear diary\nall is well"):
        file.write_bytes(content)
        with pytest.raises(Problem, match="line 1 is no stored answer"):
            texts(CachedGenerator(Scripted(), file), REQUESTS)
        assert file.read_bytes() == content


def test_all_that_an_answer_tells_is_kept_to_the_last_bit(tmp_path):
    file = tmp_path / "cache.jsonl"
    tokens = (Token("a", -0.1, (("a", -0.1), ("\u2581é\n", -2.000000000000001))), Token("", float("-inf")))
    whole = Completion("k", "text\n\0", (0.1, 1 / 3), "length", tokens, 12, 3)
    filtered = Completion("k", finish_reason="content_filter", missing_reason="content filter", prompt_tokens=5)
    for number, answer in enumerate((whole, filtered, Completion("k"))):
        asked = Request(key="k", user=str(number), max_new_tokens=1)
        assert list(CachedGenerator(Fixed(answer), file).generate([asked])) == [answer]
        assert list(CachedGenerator(Fixed(None), file).generate([asked])) == [answer]


def test_two_runs_do_not_share_a_file(tmp_path):
    file = tmp_path / "cache.jsonl"
    first = CachedGenerator(Scripted(), file)
    texts(first, REQUESTS[:3])
    with pytest.raises(Problem, match="another run is writing"):
        texts(CachedGenerator(Scripted(), file), REQUESTS)
    del first
    texts(CachedGenerator(Scripted(), file), REQUESTS)


def test_requests_are_not_taken_before_they_are_needed(tmp_path):
    taken = []

    def requests():
        for request in REQUESTS:
            taken.append(request.key)
            yield request

    for known in (0, 5, 12):
        file = tmp_path / f"{known}.jsonl"
        texts(CachedGenerator(Scripted(), file), REQUESTS[:known])
        taken.clear()
        stream = CachedGenerator(Scripted(), file).generate(requests())
        next(stream)
        assert len(taken) <= known + 1
        assert 1 + sum(1 for _ in stream) == len(REQUESTS)


def test_an_index_is_small_beside_its_answers(tmp_path):
    """40 MB of answers; the index takes 24 bytes for each and what making it needs on top."""
    file, count = tmp_path / "cache.jsonl", 100_000
    with file.open("w") as stream:
        for number in range(count):
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            stream.write(json.dumps({"request": digest, "text": f"{number} " + "x" * 300}) + "\n")
    tracemalloc.start()
    answers = AnswerFile(file)
    assert tracemalloc.get_traced_memory()[1] < 120 * count
    tracemalloc.stop()
    for number in range(0, count, 997):
        assert answers[hashlib.sha256(str(number).encode()).hexdigest()].text.startswith(f"{number} ")
    assert hashlib.sha256(b"none").hexdigest() not in answers
