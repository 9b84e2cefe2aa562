"""A reward model is named by its registry line alone, or by what it takes to score it."""

from __future__ import annotations

import pytest

from themis.errors import Problem
from themis.registry import known_models
from themis.study import validate

CLASSIFIER = {"name": "m", "family": "sequence_classifier"}


def line(**settings):
    return validate({"score": {"models": [settings]}}).score.models[0]


@pytest.mark.parametrize("known", [model for model in known_models() if model.hub], ids=lambda model: model.name)
def test_a_model_of_the_registry_is_scored_by_its_name_alone(known):
    model = line(name=known.name)
    assert (model.family, model.hub, model.revision, model.dtype, model.prompt_mode, model.checkpoint) == (
        known.architecture, known.hub, known.revision, known.dtype, known.prompt_mode, None
    )  # fmt: skip
    assert not model.trust_remote_code, "no line of the registry runs code by itself"


def test_what_the_study_says_comes_before_the_registry():
    model = line(name="Themis-RM-8B", checkpoint="my/copy", prompt_mode="wrong", dtype="float32", family="ultra")
    assert (model.hub, model.checkpoint, model.prompt_mode) == (None, "my/copy", "wrong")
    assert (model.dtype, model.family) == ("float32", "ultra")
    assert line(name="Themis-RM-8B", revision="a" * 40).revision == "a" * 40


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "m", "checkpoint": "x"}, "m is no model of the registry: give its family"),
        (CLASSIFIER, "exactly one of checkpoint and hub"),
        (CLASSIFIER | {"checkpoint": "x", "hub": "a/b"}, "exactly one of checkpoint and hub"),
        ({"name": "m", "family": "length", "hub": "a/b"}, "takes neither checkpoint nor hub"),
        (CLASSIFIER | {"family": "remote_code", "hub": "a/b", "trust_remote_code": True}, "needs the revision"),
        (CLASSIFIER | {"family": "seqcls", "checkpoint": "x"}, "family"),
    ],
)
def test_a_line_that_cannot_be_scored_is_refused(settings, says):
    with pytest.raises(Problem, match=says):
        line(**settings)


def test_remote_code_of_a_pinned_revision_or_of_a_folder_is_allowed():
    pinned = {"hub": "a/b", "revision": "a" * 40}
    for place in (pinned, {"checkpoint": "my/copy"}):
        assert line(name="m", family="remote_code", trust_remote_code=True, **place).trust_remote_code
