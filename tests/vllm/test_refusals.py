"""What the vLLM back end cannot do is said in a line, before anything is loaded."""

from __future__ import annotations

import importlib.util
import json
import re
import sys

import pytest
from safetensors.torch import load_file, save_file

from tests.score.scorers import load
from tests.vllm.classifiers import write_classifier
from themis.errors import Problem
from themis.generation.backends import generator_for
from themis.score.families import FAMILIES
from themis.study.models import RewardModel


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


@pytest.mark.parametrize("family", ["ultra", "armo", "untrained_head", "remote_code", "perplexity", "random"])
def test_a_head_that_it_does_not_have_is_refused_in_the_study_and_on_the_command_line(family, tmp_path):
    place = {} if family == "random" else {"checkpoint": "somewhere"}
    assert RewardModel(name="m", family=family, **place)
    with pytest.raises(ValueError, match=rf"m: the back end vllm runs judge, .*sequence_classifier, not {family}"):
        RewardModel(name="m", family=family, backend="vllm", **place)
    with pytest.raises(Problem, match=rf"^model model: the back end vllm runs .*, not {family}$"):
        load(tmp_path, family, backend="vllm")


def test_what_it_runs_is_taken():
    for family in ("sequence_classifier", "judge", "cerm", "genrm", "lmunit", "r3"):
        assert family in FAMILIES
        assert RewardModel(name="m", family=family, checkpoint="somewhere", backend="vllm").backend == "vllm"
    with pytest.raises(
        ValueError, match="the back end openai runs judge, cerm, genrm, lmunit, r3, not sequence_classifier"
    ):
        RewardModel(name="m", family="sequence_classifier", backend="openai", openai={"model": "m"})


def test_a_classifier_is_refused_before_the_engine_starts(tmp_path):
    two = write_classifier(tmp_path / "two", "llama", labels=2)
    with pytest.raises(Problem, match="a classifier with 2 labels"):
        load(two, backend="vllm")
    one = write_classifier(tmp_path / "one", "llama")
    with pytest.raises(Problem, match="tensor_parallel is 64"):
        load(one, backend="vllm", settings=json.dumps({"tensor_parallel": 64}))
    with pytest.raises(Problem, match="dtype float16 is none of"):
        load(one, backend="vllm", dtype="float16")
    weights = load_file(one / "model.safetensors")
    head = weights["score.weight"]
    for name, changed, words in (
        ("score.weight", {}, "missing weights: score.weight"),
        ("model.layers.1.mlp.up_proj.weight", {}, "missing weights: model.layers.1.mlp.up_proj.weight"),
        ("score.weight", {"score.weight": head[:, :-1].clone()}, "mismatched weights: score.weight is"),
        ("", {"score.bias": head[0, :1].clone()}, "unexpected weights: score.bias"),
    ):
        kept = {key: value for key, value in weights.items() if key != name} | changed
        save_file(kept, one / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(Problem, match=re.escape(words)) as problem:
            load(one, backend="vllm")
        assert "\n" not in str(problem.value)
