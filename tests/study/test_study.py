"""A study is checked before anything runs, and what is wrong with it is said in one line."""

from pathlib import Path

import pytest
import yaml

from themis.errors import Problem
from themis.study import Study, digest, load, validate
from themis.study.generated import defaults_text, schema_text

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"dedup": {"treshold": 0.5}}, "dedup.treshold: no such key; did you mean threshold?"),
        ({"dedupe": {}}, "dedupe: no such key; did you mean dedup?"),
        ({"train": {"stages": [{"name": "a", "data": "code", "warmup": 1.4}]}}, "train.stages[0].warmup: 1.4"),
        ({"train": {"stages": [{"name": "a", "data": "code", "lerning_rate": 1}]}}, "did you mean learning_rate?"),
        ({"score": {"models": [{"name": "a"}]}}, "a is no model of the registry: give its family"),
        ({"language_models": {"m": {"hub": "a/b", "path": "c"}}}, "exactly one of package, hub and path"),
        ({"instruct": {"writer": "nobody"}}, "instruct.writer: nobody is not one of language_models"),
        ({"preferences": {"system_prompts": {"none": 0.5}}}, "the shares sum to 1.35, not to 1"),
        ({"select": {"train": {"since": "2020-01-01", "until": "2019-01-01"}}}, "is not before"),
        ({"select": {"languages": ["Cobol"]}}, "Cobol is none of"),
        ({"mine": {"warehouse": "bigquery"}}, "does not say which commits were merged"),
        ({"published_runs": "https://host/runs.tar.gz"}, "end in #sha256="),
        ({"published_runs": "ftp://host/runs.tar.gz#sha256=" + 64 * "0"}, "must be of http or https"),
    ],
)
def test_a_wrong_study_is_named(data, says):
    with pytest.raises(Problem) as caught:
        validate(data)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["a: [", "- just\n- a list\n"])
def test_a_file_that_is_no_study_is_named(tmp_path, content):
    (tmp_path / "study.yaml").write_text(content)
    with pytest.raises(Problem, match=r"study\.yaml"):
        load(tmp_path / "study.yaml")
    with pytest.raises(Problem, match="nowhere"):
        load(tmp_path / "nowhere.yaml")


def test_the_hash_follows_every_setting():
    base = Study()
    assert digest(base) == digest(validate(base.model_dump()))
    assert digest(base) != digest(validate({"seed": base.seed + 1}))
    assert digest(base) != digest(validate({"judge": {"margin": 0.125}}))


def test_generated_files_are_current():
    assert (ROOT / "profiles/defaults.yaml").read_text() == defaults_text(), "run `make defaults`"
    assert (ROOT / "profiles/study.schema.json").read_text() == schema_text(), "run `make defaults`"


@pytest.mark.parametrize("path", sorted(ROOT.glob("profiles/*/study.yaml")), ids=lambda path: path.parent.name)
def test_every_shipped_study_is_valid_and_lists_only_what_differs(path):
    load(path)
    defaults = yaml.safe_load((ROOT / "profiles/defaults.yaml").read_text())

    def same(given, default, where):
        for key, value in given.items():
            if isinstance(value, dict) and isinstance(default.get(key), dict):
                yield from same(value, default[key], f"{where}.{key}")
            elif value == default.get(key, object()):
                yield f"{where}.{key}"

    assert list(same(yaml.safe_load(path.read_text()), defaults, "study")) == []
