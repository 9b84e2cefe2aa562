"""What is sent is what was asked, and an answer is read for what it says; probabilities are those of the tokens listed."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from themis.generation import Request
from themis.generation.openai_chat import Malformed, body, completion, fingerprint, weigh
from themis.study.models import OpenAI

PLAIN = OpenAI(base_url="http://127.0.0.1:1/v1", model="m")


def answer(listed=None, content="x", finish_reason="stop", **choice):
    if listed is not None:
        tops = [{"token": token, "logprob": value} for token, value in listed]
        choice["logprobs"] = {"content": [{"token": "?", "logprob": 0.0, "top_logprobs": tops}]}
    return {"choices": [{"message": {"content": content}, "finish_reason": finish_reason, **choice}]}


def test_a_text_is_asked_for_by_its_sampling():
    request = Request(
        key="k", system="s", user="u", max_new_tokens=7, temperature=0.5, top_p=0.9, seed=2**40 + 3, logprobs=4
    )
    assert body(request, PLAIN) == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 4,
    }
    greedy = Request(key="k", user="u", max_new_tokens=7, top_p=0.9, seed=5)
    assert set(body(greedy, PLAIN)) == {"model", "messages", "max_tokens", "temperature"}
    other = PLAIN.model_copy(update={"length_field": "max_completion_tokens", "extra_body": {"reasoning": "low"}})
    assert body(greedy, other)["max_completion_tokens"] == 7
    assert body(greedy, other)["reasoning"] == "low"
    with pytest.raises(ValueError, match="neither"):
        body(Request(key="k", user="u"), PLAIN)


def test_options_are_asked_for_by_one_token_at_temperature_one():
    asked = body(Request(key="k", user="u", options=("A", "B")), PLAIN)
    assert asked["max_tokens"] == 1
    assert asked["temperature"] == 1
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 20)


def test_spellings_of_an_option_are_summed_and_strangers_do_not_count():
    listed = [
        ("A", -1.0),
        (" A", -2.0),
        ("\u2581A", -3.0),
        ("B", -1.5),
        ("T", -4.0),
        (" TI", -5.0),
        ("a", -0.2),
        ("AB", 0),
    ]
    a, b, tie = math.exp(-1) + math.exp(-2) + math.exp(-3), math.exp(-1.5), math.exp(-4) + math.exp(-5)
    expected = [value / (a + b + tie) for value in (a, b, tie)]
    assert weigh(("A", "B", "TIE"), listed) == pytest.approx(expected)
    assert weigh(("A", "B"), [("B", -9.0), (" ", -0.1)]) == (0.0, 1.0)
    assert weigh(("yes", "yet"), [("ye", -0.1), ("yet", -1.0)]) == (0.0, 1.0)  # what begins both is for neither
    assert weigh(("A", "B"), [("C", -0.1), ("", -0.2)]) is None


def test_a_missing_option_is_a_reason_and_a_missing_part_is_no_answer():
    read = completion("k", ("A", "B"), 0, answer([("x", -0.1)]))
    assert (read.probabilities, read.missing_reason) == (None, "no option among the likeliest tokens")
    assert completion("k", ("A", "B"), 0, answer()).missing_reason == "no log-probabilities in the answer"
    for broken in (
        {},
        {"choices": []},
        {"choices": [{}]},
        [],
        None,
        "x",
        answer(finish_reason=None),
        {"choices": None},
    ):
        with pytest.raises(Malformed):
            completion("k", (), 0, broken)


def test_tokens_and_counts_are_read():
    told = answer([("x", -0.5), ("y", -1.0)], content="?") | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    read = completion("k", (), 2, told)
    assert (read.text, read.finish_reason, read.prompt_tokens, read.new_tokens) == ("?", "stop", 5, 2)
    assert read.tokens[0].alternatives == (("x", -0.5), ("y", -1.0))
    assert completion("k", (), 0, told).tokens is None
    assert completion("k", (), 0, answer(content="half", finish_reason="content_filter")).text == "half"


def test_a_fingerprint_tells_models_apart_and_nothing_else():
    def of(**given):
        return fingerprint(OpenAI(**{"base_url": "http://h:1/v1", "model": "m", **given}))

    plain = of()
    assert len({plain, of(model="n"), of(base_url="http://h:2/v1"), of(extra_body={"x": 1}), of(identity="i")}) == 5
    assert plain == of(concurrency=99, tries=1, key_variable="K", base_url="http://h:1/v1/", batch="f")
    assert of(identity="i") == of(identity="i", base_url="http://h:2/v1")


@pytest.mark.parametrize("address", ["http://user:secret@host/v1", "ftp://host", "host/v1", "http://host/v1?key=1"])
def test_an_address_holds_no_secret(address):
    with pytest.raises(ValidationError):
        OpenAI(base_url=address, model="m")
