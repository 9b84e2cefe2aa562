"""vLLM says what transformers says: the same prompts, probabilities, texts and reasons why there is no answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.vllm import asked
from themis.generation.transformers_backend import TransformersGenerator
from themis.prompting.examples import TEMPLATES, read_example

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def expected(answers, smollm2):
    """What transformers answers; made after vLLM's answers, so that it is not made where these are skipped."""
    generator = TransformersGenerator(smollm2, "float32", threads=1)
    lists = {"ratings": asked.ratings(), "votes": asked.votes(), "greedy": asked.texts(logprobs=3)}
    lists |= {"ending": asked.ending(), "templates": asked.templates(), "unanswerable": asked.unanswerable()[2:]}
    return {name: {c.key: c for c in generator.generate(requests)} for name, requests in lists.items()}


def test_every_request_is_answered_once(answers):
    for name, call in asked.calls().items():
        if name != "abandoned":
            assert sorted(answers[name]) == sorted(fields["key"] for fields in call["requests"]), name


@pytest.mark.parametrize("name", ["ratings", "votes"])
def test_options_have_the_same_probabilities(answers, expected, name):
    assert len(answers["ratings"]) == 40
    for key, completion in expected[name].items():
        assert answers[name][key].probabilities == pytest.approx(completion.probabilities, abs=2e-2), key
        assert answers[name][key].prompt_tokens == completion.prompt_tokens
        assert answers[name][key].new_tokens == completion.new_tokens == 0
        assert sum(answers[name][key].probabilities) == pytest.approx(1, abs=1e-9)


@torch.inference_mode()
def test_unlikely_options_have_their_own_probability(answers, smollm2):
    """Not what is left over by the likeliest tokens: the model's own next-token probabilities, without any of our code."""
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    model = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32)
    request = asked.ratings()[0]
    messages = [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    options = [tokenizer.encode(option, add_special_tokens=False)[0] for option in ("1", "zebra", "Å")]
    plain = model(ids).logits[0, -1, options].double().log_softmax(-1)
    assert plain.min() < -8
    assert np.log(answers["rare"][request.key].probabilities) == pytest.approx(plain.tolist(), abs=1e-2)


def test_greedy_texts_are_the_same(answers, expected):
    equal = [key for key, completion in expected["greedy"].items() if answers["greedy"][key].text == completion.text]
    assert len(equal) >= 7  # rounding may turn one
    for key in equal:
        ours, theirs = answers["greedy"][key], expected["greedy"][key]
        assert (ours.finish_reason, ours.new_tokens) == (theirs.finish_reason, theirs.new_tokens)
    for key, theirs in expected["greedy"].items():
        assert answers["greedy"][key].tokens[0].text == theirs.tokens[0].text
        assert answers["greedy"][key].prompt_tokens == theirs.prompt_tokens


def test_tokens_tell_the_same_log_probabilities(answers, expected):
    compared = 0
    for key, theirs in expected["greedy"].items():
        ours = answers["greedy"][key]
        if ours.text != theirs.text:
            continue
        assert len(ours.tokens) == ours.new_tokens
        for one, other in zip(ours.tokens, theirs.tokens, strict=True):
            assert one.text == other.text
            assert one.logprob == pytest.approx(other.logprob, abs=2e-2)
            assert one.alternatives[0] == (one.text, one.logprob)  # greedy: the likeliest
            likeliest = [value for _, value in other.alternatives]
            assert [value for _, value in one.alternatives] == pytest.approx(likeliest, abs=2e-2)
            compared += 1
    assert compared > 50
    assert all(completion.tokens is None for completion in answers["sampled"].values())


def test_an_answer_ends_where_the_model_ends_it(answers, expected):
    ended = 0
    for key, theirs in expected["ending"].items():
        ours = answers["ending"][key]
        assert theirs.finish_reason == "stop"
        if ours.text == theirs.text:
            assert (ours.finish_reason, ours.new_tokens) == ("stop", theirs.new_tokens)
            ended += 1
    assert ended >= 2


def test_options_and_tokens_do_not_disturb_each_other(answers):
    for key, completion in answers["mixed"].items():
        alone = (answers["ratings"] | answers["greedy"])[key]
        if completion.probabilities is not None:
            assert completion.probabilities == pytest.approx(alone.probabilities, abs=2e-2)
        else:
            assert completion.tokens[0].text == alone.tokens[0].text
            first, other = completion.tokens[0].alternatives, alone.tokens[0].alternatives
            assert [value for _, value in first] == pytest.approx([value for _, value in other], abs=2e-2)


def test_what_cannot_be_asked_is_missing_for_the_same_reason(answers, expected):
    found = {key: completion.missing_reason for key, completion in answers["unanswerable"].items()}
    assert found == {
        "long": "prompt too long",
        "long with its reply": "prompt too long",
        "forged": expected["unanswerable"]["forged"].missing_reason,
        "well": None,
    }
    assert found["forged"]
    for key in ("long", "long with its reply", "forged"):
        assert answers["unanswerable"][key].text is answers["unanswerable"][key].probabilities is None


def test_every_template_runs_through_both(answers, expected):
    requests = {request.key: request for request in asked.templates()}
    assert list(requests) == list(TEMPLATES)
    same = 0
    for template, request in requests.items():
        ours, theirs = answers["templates"][template], expected["templates"][template]
        assert ours.prompt_tokens == theirs.prompt_tokens > 0
        assert ours.text is not None
        same += ours.text == theirs.text and read_example(ours, request) == read_example(theirs, request)
    assert same >= 5
