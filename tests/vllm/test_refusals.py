"""What the vLLM back end cannot do is said in a line, before anything is loaded."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

from themis.errors import Problem
from themis.generation.backends import generator_for


def test_without_vllm_it_says_where_vllm_is(tiny_language_model):
    if importlib.util.find_spec("vllm"):
        pytest.skip("vLLM is in this environment")
    with pytest.raises(Problem) as problem:
        generator_for(tiny_language_model, backend="vllm")
    assert sys.executable in str(problem.value)
    assert "make vllm" in str(problem.value)


def test_a_model_is_not_shared_by_more_devices_than_there_are(tiny_language_model):
    with pytest.raises(Problem, match=r"tensor_parallel is 64.*lower it"):
        generator_for(tiny_language_model, backend="vllm", settings=json.dumps({"tensor_parallel": 64}))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(Problem, match="no language model here"):
        generator_for(tmp_path, backend="vllm")


def test_no_type_but_the_two_is_computed_in(tiny_language_model):
    with pytest.raises(Problem, match="float16 is neither"):
        generator_for(tiny_language_model, backend="vllm", dtype="float16")
