"""Killed ten times in the middle of 500 requests, a run ends in the bytes of one left alone, and asks for nothing it has."""

from __future__ import annotations

import dataclasses
import json
import os
import signal

from tests.generation.flaky import FlakyServer, some_faults
from themis.generation import Request
from themis.generation.answer_file import request_digest
from themis.generation.backends import generator_for

COUNT, KILLS, CONCURRENCY = 500, 10, 8
REQUESTS = [
    Request(key=f"r{i:03}", system="Rate.", user=f"text {i} " + "x" * (i % 7), options=("1", "2", "3", "4", "5"))
    if i % 2
    else Request(key=f"w{i:03}", system="Say.", user=f"text {i} ", max_new_tokens=4, temperature=1.0, seed=i)
    for i in range(COUNT)
]


def start(folder, name, model=None, settings=None):
    """A process that does what a step does; made by forking, so that it has everything loaded.

    It writes a byte to the pipe for each answer, and all of them, by key, to a file at the end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            backend = "transformers" if model else "openai"
            cache = folder / f"{name}.jsonl"
            generator = generator_for(model, backend=backend, settings=settings, cache=cache, batch_tokens=300)
            found = {}
            for completion in generator.generate(REQUESTS):
                found[completion.key] = completion
                os.write(writer, b".")
            lines = [json.dumps(dataclasses.asdict(found[key])) + "\n" for key in sorted(found)]
            (folder / f"{name}.out").write_text("".join(lines))
        finally:
            os._exit(0)
    os.close(writer)
    return child, open(reader, "rb", buffering=0)  # noqa: PTH123


def finish(folder, name, **given):
    child, pipe = start(folder, name, **given)
    with pipe:
        assert len(pipe.read()) == COUNT
    os.waitpid(child, 0)


def kill(child, pipe, answers):
    """Kill it once it has handed out so many answers."""
    with pipe:
        while answers:
            read = len(pipe.read(answers))
            assert read, "it ended by itself"
            answers -= read
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def names(cache):
    """The digests whose answers are on disk."""
    lines = cache.read_bytes().splitlines(keepends=True) if cache.exists() else []
    return [json.loads(line)["request"] for line in lines if line.endswith(b"\n")]


def test_a_server_is_asked_for_what_is_missing(tmp_path):
    def settings(server):
        fields = {"model": "m", "identity": "m", "concurrency": CONCURRENCY, "first_wait_s": 0.002}
        return json.dumps({"base_url": server.base_url, **fields})

    with FlakyServer() as calm:
        finish(tmp_path, "whole", settings=settings(calm))
    digests = {request.user: request_digest("openai m", request) for request in REQUESTS}
    kept = {}  # digest -> how often it had been asked when its answer was on disk
    with FlakyServer(faults=some_faults(1)) as server:

        def asked():
            users = {name: json.loads(body)["messages"][-1]["content"] for name, body in server.bodies.items()}
            return {digests[user]: server.asked[name] for name, user in users.items()}

        for number in range(1, KILLS + 1):
            kill(*start(tmp_path, "killed", settings=settings(server)), number * COUNT // (KILLS + 1))
            counts = asked()
            kept = {name: counts[name] for name in names(tmp_path / "killed.jsonl")} | kept
        assert COUNT * 9 // 10 <= len(kept) < COUNT
        finish(tmp_path, "killed", settings=settings(server))
        counts = asked()
        assert {name: counts[name] for name in kept} == kept
        assert COUNT <= server.answered.total() <= COUNT + KILLS * 2 * CONCURRENCY
    assert sorted(names(tmp_path / "killed.jsonl")) == sorted(digests.values())
    assert (tmp_path / "killed.out").read_bytes() == (tmp_path / "whole.out").read_bytes()


def test_a_model_computes_what_is_missing(tmp_path, llama):
    finish(tmp_path, "whole", model=llama)
    for number in range(1, KILLS + 1):
        kill(*start(tmp_path, "killed", model=llama), number * COUNT // (KILLS + 1))
        assert number * COUNT // (KILLS + 1) <= len(names(tmp_path / "killed.jsonl")) < COUNT
    finish(tmp_path, "killed", model=llama)
    assert len(set(names(tmp_path / "killed.jsonl"))) == len(names(tmp_path / "killed.jsonl")) == COUNT
    assert (tmp_path / "killed.out").read_bytes() == (tmp_path / "whole.out").read_bytes()
