"""Requests that go by batch files end in the same answers as requests asked at once; none goes twice."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from tests.generation.flaky import FlakyServer, made_up
from themis.cli import app
from themis.errors import Problem
from themis.generation import Request, batch_files
from themis.generation.backends import generator_for
from themis.generation.batch_answers import read_answers
from themis.generation.batch_files import finish
from themis.generation.batch_parts import parts
from themis.generation.batch_server import fetch, status, submit

REQUESTS = [Request(key=f"r{i:02}", user=f"text {i}", options=("1", "2", "3", "4", "5")) for i in range(10)] + [
    Request(key=f"w{i:02}", user=f"text {i}", max_new_tokens=5, temperature=0.8, seed=i, logprobs=2) for i in range(10)
]


class BatchServer(FlakyServer):
    """Works a batch off as soon as it is begun; a line that `fails` says so is answered by that status."""

    def __init__(self, fails=lambda body: None, state="completed"):
        super().__init__(self.batch)
        self.files, self.batches, self.begun, self.lines = {}, {}, 0, Counter()
        self.fails, self.state = fails, state

    def batch(self, method, path, body, headers):
        path, query = urlsplit(path).path.removeprefix("/v1/"), parse_qs(urlsplit(path).query)
        if (method, path) == ("POST", "files"):
            boundary = re.search("boundary=(.+)", headers["content-type"])[1].encode()
            (content,) = (part for part in body.split(b"--" + boundary) if b"filename=" in part)
            return self.put(content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        if (method, path) == ("POST", "batches"):
            return 200, json.dumps(self.begin(json.loads(body))).encode()
        if path == "batches":
            all_batches = list(self.batches.values())
            start = 1 + next((i for i, b in enumerate(all_batches) if [b["id"]] == query.get("after")), -1)
            page = {"data": all_batches[start : start + 1], "has_more": start + 1 < len(all_batches)}
            return 200, json.dumps(page).encode()
        if path.startswith("batches/"):
            return 200, json.dumps(self.batches[path.removeprefix("batches/")]).encode()
        if path.startswith("files/"):
            return 200, self.files[path.split("/")[1]]
        return made_up(method, path, body, headers)

    def put(self, content):
        name = f"file{len(self.files)}"
        self.files[name] = content
        return 200, json.dumps({"id": name}).encode()

    def begin(self, asked):
        self.begun += 1
        out, errors = [], []
        for line in map(json.loads, self.files[asked["input_file_id"]].splitlines()):
            assert (line["method"], line["url"]) == ("POST", asked["endpoint"]) == ("POST", "/v1/chat/completions")
            self.lines[line["custom_id"]] += 1
            code = self.fails(line["body"])
            response = {"status_code": code or 200, "body": {"error": {"message": "no"}}}
            if code == "lost":
                errors.append({"custom_id": line["custom_id"], "response": None, "error": {"code": "batch_expired"}})
                continue
            if not code:
                content = json.dumps(line["body"], separators=(",", ":"), ensure_ascii=False).encode()
                response["body"] = json.loads(made_up("POST", line["url"], content, {})[1])
            (errors if code else out).append({"custom_id": line["custom_id"], "response": response, "error": None})
        batch = {"id": f"batch{len(self.batches)}", "status": self.state, "metadata": asked["metadata"]}
        for name, lines in (("output_file_id", out), ("error_file_id", errors)):
            content = "".join(json.dumps(line) + "\n" for line in reversed(lines)).encode()
            batch[name] = json.loads(self.put(content)[1])["id"] if lines else None
        batch["request_counts"] = {"completed": len(out), "failed": len(errors)}
        self.batches[batch["id"]] = batch
        return batch


@pytest.fixture
def step(tmp_path):
    """Run the requests as a step does, part by part; None where they wait in batch files."""

    def run(server, cache="step.jsonl", batch=tmp_path / "batches", requests=REQUESTS, parts=3):
        settings = {"base_url": server.base_url, "model": "m", "batch": None if batch is None else str(batch)}
        generator = generator_for(None, backend="openai", settings=json.dumps(settings), cache=tmp_path / cache)
        found = {}
        for number in range(parts):
            found |= {c.key: c for c in generator.generate(requests[number::parts])}
        try:
            finish(generator)
        except Problem as problem:
            assert re.search(r"\d+ requests wait in \d+ batch files", str(problem))
            return None
        return [dataclasses.astuple(found[key]) for key in sorted(found)]

    return run


def test_answers_by_file_are_those_asked_at_once(tmp_path, step, monkeypatch):
    monkeypatch.setattr(batch_files, "PART_REQUESTS", 6)
    folder, run = tmp_path / "batches" / "step", CliRunner()
    with BatchServer() as server:
        assert step(server) is None
        assert [part.state.requests for part in parts(folder)] == [6, 6, 6, 2]
        assert step(server) is None  # what waits is not written again
        assert len(parts(folder)) == 4
        assert run.invoke(app, ["batch-submit", str(folder)]).output == f"{folder}: 4 batches begun\n"
        assert run.invoke(app, ["batch-submit", str(folder)]).output == f"{folder}: 0 batches begun\n"
        assert (
            "part-0003.jsonl: completed: 2 of 2 done, 0 failed" in run.invoke(app, ["batch-status", str(folder)]).output
        )
        assert run.invoke(app, ["batch-read", str(folder)]).stdout == f"{folder}: 20 requests answered\n"
        assert run.invoke(app, ["batch-read", str(folder)]).stdout == ""
        assert set(server.lines.values()) == {1}
        asked = server.asked.total()
        by_file = step(server)
        assert server.asked.total() == asked
        assert by_file == step(server, cache="at-once.jsonl", batch=None)
        assert sorted((tmp_path / "step.jsonl").read_bytes().splitlines()) == sorted(
            (tmp_path / "at-once.jsonl").read_bytes().splitlines()
        )


def test_partial_results_are_taken_and_the_rest_goes_again(tmp_path, step):
    folder = tmp_path / "batches" / "step"

    def fails(body):
        return {"text 3": 429, "text 4": "lost", "text 5": 400}.get(body["messages"][-1]["content"])

    with BatchServer(fails) as server:
        assert step(server) is None
        submit(folder)
        fetch(folder)
        assert read_answers(folder) == {"answered": 14, "HTTP 429": 2, "batch_expired": 2, "refused: 400 no": 2}
        server.fails = lambda body: None
        assert step(server) is None
        assert [part.state.requests for part in parts(folder)] == [20, 6]
        submit(folder)
        fetch(folder)
        assert read_answers(folder) == {"answered": 6}
        assert sorted(server.lines.values()) == [1] * 14 + [2] * 6
        assert step(server) == step(server, cache="at-once.jsonl", batch=None)


def test_a_batch_that_is_not_done_waits_and_one_that_was_begun_is_not_begun_again(tmp_path, step, monkeypatch):
    monkeypatch.setattr(batch_files, "PART_REQUESTS", 7)
    folder = tmp_path / "batches" / "step"
    with BatchServer(state="in_progress") as server:
        assert step(server) is None
        last = parts(folder)[-1]
        before = last.state
        submit(folder)
        last.update(before)  # killed before it was written down
        assert submit(folder) == 1
        assert server.begun == len(parts(folder)) == 3
        fetch(folder)
        assert read_answers(folder) == {"not done yet": 20}
        assert [said for _, said in status(folder)] == [f"in_progress: {n} of {n} done, 0 failed" for n in (7, 7, 6)]
        assert step(server) is None
        assert len(parts(folder)) == 3


def test_output_of_a_local_run_is_read_even_when_it_was_cut(tmp_path, step):
    folder = tmp_path / "batches" / "step"
    with BatchServer() as server:
        assert step(server) is None
        (part,) = parts(folder)
        server.put(part.input.read_bytes())
        batch = server.begin({"input_file_id": "file0", "endpoint": "/v1/chat/completions", "metadata": {}})
        part.output.write_bytes(server.files[batch["output_file_id"]][:-40])
        assert read_answers(folder) == {"answered": 19, "not in the output": 1}
        assert step(server) is None
        assert [part.state.requests for part in parts(folder)] == [20, 1]


def test_folders_of_other_models_and_no_folders_are_refused(tmp_path, step):
    with BatchServer() as server, BatchServer() as other:
        assert step(server) is None
        with pytest.raises(Problem, match="of another model or cache"):
            step(other)
        with pytest.raises(Problem, match="no folder of batch files"):
            submit(tmp_path)
        with pytest.raises(Problem, match="--cache"):
            generator_for(None, backend="openai", settings='{"model": "m", "batch": "f"}')


def test_a_part_is_no_larger_than_the_server_takes(tmp_path, step, monkeypatch):
    monkeypatch.setattr(batch_files, "PART_BYTES", 2000)
    with BatchServer() as server:
        assert step(server) is None
    made = parts(tmp_path / "batches" / "step")
    assert sum(part.state.requests for part in made) == len(REQUESTS)
    assert all(part.input.stat().st_size <= 2000 for part in made)
