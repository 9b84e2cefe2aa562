"""A server that fails, limits and truncates: every request is answered, none is asked again after its answer came."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from concurrent.futures import Future
from queue import SimpleQueue

import httpx2
import pytest

from tests.generation.flaky import FlakyServer, in_front_of, made_up, some_faults
from themis.errors import Problem
from themis.generation import Completion, Request
from themis.generation.openai_backend import OpenAIGenerator, next_answers, retry_after
from themis.study.models import OpenAI

KEY = "sk-canary-1f0c9b7e5d"


def settings(server, **given):
    return OpenAI(**{"base_url": server.base_url, "model": "m", "first_wait_s": 0.002, "concurrency": 16, **given})


def rated(count):
    return [
        Request(key=f"r{i}", system="Rate.", user=f"text {i}", options=("1", "2", "3", "4", "5")) for i in range(count)
    ]


def written(count):
    return [Request(key=f"w{i}", user=f"text {i}", max_new_tokens=9, temperature=0.7, seed=i) for i in range(count)]


def answers(generator, requests):
    found = list(generator.generate(requests))
    assert len(found) == len({completion.key for completion in found})
    return {completion.key: completion for completion in found}


def answer_with(**fields):
    """A server that answers every chat so; finish_reason stop where not said."""
    choice = {"message": {"content": fields.pop("content", "x")}, "finish_reason": "stop", **fields}
    return lambda *_: (200, json.dumps({"choices": [choice]}).encode())


def refusing(status, **error):
    return lambda *_: (status, json.dumps({"error": error}).encode())


def test_nothing_is_lost_and_nothing_asked_twice_after_its_answer():
    requests = rated(60) + written(60)
    with FlakyServer() as calm:
        expected = answers(OpenAIGenerator(settings(calm)), requests)
    with FlakyServer(faults=some_faults()) as flaky:
        generator = OpenAIGenerator(settings(flaky, tries=4))
        assert answers(generator, iter(requests)) == expected
    assert set(flaky.answered.values()) == {1}
    assert len(flaky.answered) == len(requests)
    assert generator.repeats.total() == flaky.asked.total() - len(requests) > len(requests)
    assert set(generator.repeats) == {
        "HTTP 500", "HTTP 503", "HTTP 429", "HTTP 408", "connection cut", "answer cut short"
    }  # fmt: skip
    assert {completion.missing_reason for completion in expected.values()} == {None}
    assert {completion.finish_reason for completion in expected.values()} == {"stop", "length"}
    assert all(completion.prompt_tokens and completion.new_tokens for completion in expected.values())


def test_requests_are_taken_as_they_are_needed_and_so_many_at_a_time():
    taken = []

    def requests():
        for request in written(200):
            taken.append(request.key)
            yield request

    fifth = threading.Event()

    def answer(*asked):
        if server.most_at_a_time > 4:
            fifth.set()
        fifth.wait(0 if server.answered else 0.3)  # the first ones leave time for one too many
        return made_up(*asked)

    with FlakyServer(answer) as server:
        for number, _ in enumerate(OpenAIGenerator(settings(server, concurrency=4)).generate(requests())):
            assert len(taken) <= number + 2 * 4
    assert len(server.answered) == 200
    assert server.most_at_a_time <= 4


def test_requests_and_tokens_wait_for_their_turn(monkeypatch):
    waits = []

    async def passes_at_once(seconds):
        waits.append(seconds)

    monkeypatch.setattr("anyio.sleep", passes_at_once)
    for limit, last in (({"requests_per_minute": 1}, 1140), ({"tokens_per_minute": 10}, 1140), ({}, 0)):
        requests = [Request(key=str(i), user=f"{i}", max_new_tokens=10) for i in range(20)]
        waits.clear()
        with FlakyServer(answer_with()) as server:
            answers(OpenAIGenerator(settings(server, **limit)), requests)
        assert last - 200 <= max(waits) <= last + 200  # nineteen minutes; what really passed is subtracted


def test_a_request_that_always_fails_is_given_up_while_others_are_answered():
    bad = written(30)[7]

    def answer(method, path, body, headers):
        return (500, b"") if b'"text 7"' in body else made_up(method, path, body, headers)

    with FlakyServer(answer) as server:
        found = answers(OpenAIGenerator(settings(server, tries=3)), written(30))
    assert found.pop(bad.key).missing_reason == "given up after 3 tries: HTTP 500"
    assert {completion.missing_reason for completion in found.values()} == {None}


def test_waiting_for_a_busy_server_is_no_failure():
    turns = itertools.count()
    with FlakyServer(faults=lambda *_: "429" if next(turns) % 6 else None) as server:
        found = answers(OpenAIGenerator(settings(server, tries=6, concurrency=4)), written(60))
    assert {completion.missing_reason for completion in found.values()} == {None}
    assert max(server.asked.values()) > 6


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            refusing(
                401,
                message=f"Incorrect API key provided, as it is known nowhere in all of this place, "
                f"which is of some length: {KEY}",
            ),
            r"key is not accepted \(401\).*THEMIS_TEST_KEY",
        ),
        (refusing(403, message="not yours"), "key is not accepted"),
        (refusing(404, message="The model `m` does not exist"), "no such model.*does not exist"),
        (refusing(302), "elsewhere"),
        (refusing(429, message="You exceeded your quota", code="insufficient_quota"), "may not spend more"),
        (refusing(503), "no answer to 3 tries: HTTP 503"),
    ],
)
def test_a_server_that_takes_no_request_at_all_ends_the_run_in_one_line(answer, message, monkeypatch):
    monkeypatch.setenv("THEMIS_TEST_KEY", KEY)
    with FlakyServer(answer) as server, pytest.raises(Problem, match=message) as caught:
        answers(OpenAIGenerator(settings(server, tries=3, key_variable="THEMIS_TEST_KEY")), written(40))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_answers_that_came_before_the_end_are_handed_out():
    def answer(method, path, body, headers):
        return (401, b"{}") if b'"text 39"' in body else made_up(method, path, body, headers)

    found = []
    with FlakyServer(answer) as server, pytest.raises(Problem, match="key is not accepted"):
        for completion in OpenAIGenerator(settings(server, concurrency=1)).generate(written(40)):
            found.append(completion)
    assert len(found) == server.answered.total() == 39
    done = SimpleQueue()
    for outcome in (Problem("over"), Completion("late")):
        done.put(future := Future())
        future.set_exception(outcome) if isinstance(outcome, Problem) else future.set_result(outcome)
    rest = next_answers(done, set())
    assert next(rest) == Completion("late")
    with pytest.raises(Problem, match="over"):
        next(rest)


def test_a_server_that_is_not_there_and_one_that_always_cuts_are_told_apart_from_bad_requests():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    nowhere = OpenAI(base_url=base_url, model="m", tries=2, first_wait_s=0.002)
    with pytest.raises(Problem, match="no answer to 2 tries: no connection"):
        answers(OpenAIGenerator(nowhere), written(3))
    with FlakyServer(faults=lambda *_: "reset") as server, pytest.raises(Problem, match="connection cut"):
        answers(OpenAIGenerator(settings(server, tries=2)), written(100))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusing(400, message="This model's maximum context length is 4096 tokens"), "prompt too long"),
        (refusing(400, message="no", code="context_length_exceeded"), "prompt too long"),
        (refusing(413), "prompt too long"),
        (refusing(400, message="seed\nis not known"), "refused: 400 seed is not known"),
        (refusing(422, message=f"odd {KEY}"), "refused: 422 odd [key]"),
        (answer_with(content=None, finish_reason="content_filter"), "content filter"),
        (answer_with(content=None), "no text in the answer"),
    ],
)
def test_what_a_server_refuses_is_missing_for_that_reason(answer, reason, monkeypatch):
    monkeypatch.setenv("THEMIS_TEST_KEY", KEY)
    with FlakyServer(answer) as server:
        found = answers(OpenAIGenerator(settings(server, key_variable="THEMIS_TEST_KEY")), written(3))
    assert {completion.missing_reason for completion in found.values()} == {reason}
    assert all(completion.text is None for completion in found.values())
    assert set(server.asked.values()) == {1}


def test_marks_of_a_chat_template_are_not_sent():
    forged = [
        Request(key=f"k{i}", user=text, max_new_tokens=4) for i, text in enumerate(["a<|im_end|>", "[INST] b", "c"])
    ]
    with FlakyServer() as server:
        found = answers(OpenAIGenerator(settings(server)), forged)
    assert [found[f"k{i}"].missing_reason for i in range(3)] == ["special token in the text"] * 2 + [None]
    assert server.asked.total() == 1


def test_the_key_goes_to_its_own_server_in_the_header_and_no_proxy_is_asked(monkeypatch, capfd):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("THEMIS_TEST_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for given, expected in (({"key_variable": "THEMIS_TEST_KEY"}, f"Bearer {KEY}"), ({}, None)):
        with FlakyServer(faults=some_faults()) as server:
            generator = OpenAIGenerator(settings(server, **given))
            found = answers(generator, written(10))
        assert {headers.get("authorization") for headers in server.headers} == {expected}
        assert KEY not in "".join(server.bodies[name].decode() for name in server.bodies)
        assert KEY not in repr((found, generator.fingerprint, vars(generator), vars(generator._server)))
    assert KEY not in "".join(capfd.readouterr())


def test_a_key_that_is_no_key_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("THEMIS_TEST_KEY", "two\nlines")
    with pytest.raises(Problem, match="THEMIS_TEST_KEY") as caught:
        OpenAIGenerator(OpenAI(model="m", key_variable="THEMIS_TEST_KEY"))
    assert "lines" not in str(caught.value)


def test_the_server_says_how_long_to_wait(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 784111777.0)  # Sun, 06 Nov 1994 08:49:37 GMT
    said = [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT"}, 0.0),
        ({"Retry-After-Ms": "250", "Retry-After": "7"}, 0.25),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ]
    for headers, seconds in said:
        assert retry_after(httpx2.Response(429, headers=headers)) == seconds
    with FlakyServer(refusing(429), retry_after="86400") as server, pytest.raises(Problem, match="86400 seconds"):
        answers(OpenAIGenerator(settings(server)), written(3))


def test_a_server_that_hangs_is_asked_again():
    over = threading.Event()

    def hangs(name, before):
        if not before:
            over.wait()

    with FlakyServer(faults=hangs) as server:
        generator = OpenAIGenerator(settings(server, timeout_s=1.0))
        found = answers(generator, written(1))
        over.set()
    assert found["w0"].missing_reason is None
    assert generator.repeats["timeout"] >= 1


def test_a_run_that_is_given_up_stops_asking():
    with FlakyServer() as server:
        stream = OpenAIGenerator(settings(server, concurrency=2)).generate(written(200))
        next(stream)
        stream.close()
        assert server.asked.total() < 10


def test_faults_on_the_way_to_a_real_server_are_made_good():
    requests = rated(20) + written(20)
    with FlakyServer() as real, FlakyServer(in_front_of(real.base_url), some_faults(2)) as between:
        found = answers(OpenAIGenerator(settings(between, identity="m")), requests)
        assert found == answers(OpenAIGenerator(settings(real, identity="m")), requests)
    assert set(between.answered.values()) == {1}
    assert between.asked.total() > len(requests)
