"""A real server that fails, limits and truncates: nothing is lost, and nothing is asked again after its answer came."""

from __future__ import annotations

import pytest

from tests.generation.flaky import FlakyServer, in_front_of, some_faults
from tests.vllm import asked
from tests.vllm.server import LIKELIEST, NAME, vllm_server
from themis.generation.openai_backend import OpenAIGenerator
from themis.study.models import OpenAI

pytestmark = pytest.mark.vllm


def test_faults_in_front_of_the_server_lose_nothing(answers, vllm_python, smollm2, tmp_path):
    requests = [*asked.ratings()[:20], *asked.texts()]
    with (
        vllm_server(vllm_python, smollm2, tmp_path / "log") as base_url,
        FlakyServer(in_front_of(base_url), some_faults()) as flaky,
    ):
        settings = OpenAI(base_url=flaky.base_url, model=NAME, likeliest=LIKELIEST, first_wait_s=0.002)
        generator = OpenAIGenerator(settings)
        found = {completion.key: completion for completion in generator.generate(requests)}
    assert list(flaky.answered.values()) == [1] * len(requests)
    assert flaky.asked.total() - len(requests) == generator.repeats.total() > len(requests)
    assert sorted(found) == sorted(request.key for request in requests)
    for request in requests:
        answer = found[request.key]
        assert answer.missing_reason is None, request.key
        ours = (answers["ratings"] | answers["greedy"])[request.key]
        assert answer.prompt_tokens == ours.prompt_tokens  # the server's chat template makes the same prompt
        if request.options:
            assert answer.probabilities == pytest.approx(ours.probabilities, abs=2e-2)
    same = [found[request.key].text == answers["greedy"][request.key].text for request in asked.texts()]
    assert sum(same) >= 7
