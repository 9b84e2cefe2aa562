"""A reward model that writes may stand behind a server; one with a head cannot, and needs its weights here."""

from __future__ import annotations

import pytest

from themis.errors import Problem
from themis.score.families import scorer_for
from themis.study import validate

SERVER = {"backend": "openai", "openai": {"model": "m", "base_url": "http://127.0.0.1:9/v1"}}


def line(**settings):
    return validate({"score": {"models": [{"name": "mine", **settings}]}}).score.models[0]


@pytest.mark.parametrize("family", ["judge", "cerm", "genrm", "lmunit", "r3"])
def test_a_model_that_writes_is_asked_at_a_server_without_weights(family):
    model = line(family=family, scoring="expected", reply_tokens=64, **SERVER)
    assert (model.scoring, model.reply_tokens, model.checkpoint, model.hub) == ("expected", 64, None, None)
    scorer = scorer_for(
        family, name="mine", checkpoint=None, prompt_mode="criterion", max_tokens=64, batch_tokens=64, dtype="float32",
        threads=1, seed=1, cache=None, scoring="parsed", backend="openai", settings=model.openai.model_dump_json(),
    )  # fmt: skip
    assert "m at http://127.0.0.1:9/v1" in scorer.generator.fingerprint


@pytest.mark.parametrize(
    "settings",
    [
        {"family": "sequence_classifier", **SERVER},
        {"family": "perplexity", **SERVER},
        {"family": "lmunit", **SERVER, "checkpoint": "smollm2"},
        {"family": "lmunit", **SERVER, "hub": "a/b"},
        {"family": "lmunit", "backend": "openai"},
    ],
)
def test_a_server_needs_its_settings_and_a_family_that_writes(settings):
    with pytest.raises(Problem, match=r"the back end openai (runs|has)"):
        line(**settings)


def test_a_registered_model_can_be_asked_at_a_server():
    model = validate({"score": {"models": [{"name": "LMUnit-qwen2.5-72b", **SERVER}]}}).score.models[0]
    assert (model.family, model.hub, model.backend) == ("lmunit", None, "openai")


@pytest.mark.parametrize("settings", [{"scoring": "sampled"}, {"reply_tokens": 0}])
def test_a_scoring_or_a_length_that_is_none_is_refused(settings):
    with pytest.raises(Problem, match=next(iter(settings))):
        line(family="judge", checkpoint="smollm2", **settings)
