"""Which trainings a study's variants need: each once, in order, and none that contradicts itself."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from themis.errors import Problem
from themis.study import validate
from themis.study.recipes import Merge, Run, resolve, runs

MODELS = {
    "smollm2": {"path": "small"},
    "big": {"path": "big"},
    "served": {"backend": "openai", "openai": {"model": "m"}},
}


def _study(variants, **train):
    return validate({"language_models": MODELS, "train": {"name": "full", "variants": variants, **train}}).train


def _planned(variants, **train):
    """(model, stage, what it starts from) of every run."""
    return [
        (run.model, run.name, run.start if isinstance(run.start, str) else (run.start.model, run.start.name))
        for run in runs(resolve(_study(variants, **train)))
    ]


BOTH = [("full", "pretraining", "smollm2"), ("full", "preference", ("full", "pretraining"))]


@pytest.mark.parametrize(
    ("variants", "more"),
    [
        ({}, []),
        ({"v": {"criteria": ["security_hardness"]}}, [("v", "preference", ("full", "pretraining"))]),
        ({"v": {"languages": ["Go"]}}, [("v", "preference", ("full", "pretraining"))]),
        ({"v": {"max_pairs": 9}}, [("v", "preference", ("full", "pretraining"))]),
        ({"v": {"stages": ["pretraining"]}}, []),
        ({"v": {"stages": ["preference"]}}, [("v", "preference", "smollm2")]),
        ({"v": {"system_prompts": False}}, [("v", "pretraining", "smollm2"), ("v", "preference", ("v", "pretraining"))]),
        ({"v": {"lm_weight": 0}}, [("v", "pretraining", "smollm2"), ("v", "preference", ("v", "pretraining"))]),
        ({"v": {"magnitude": "none"}}, [("v", "pretraining", "smollm2"), ("v", "preference", ("v", "pretraining"))]),
        ({"v": {"base": "big"}}, [("v", "pretraining", "big"), ("v", "preference", ("v", "pretraining"))]),
        (
            {"v": {"base": "big"}, "w": {"base": "big", "max_pairs": 9, "processes": 4, "nodes": {"preference": 2}}},
            [("v", "pretraining", "big"), ("v", "preference", ("v", "pretraining")),
             ("w", "preference", ("v", "pretraining"))],
        ),
        ({"v": {"lm_weight": 0.4, "max_pairs": 9}}, [("v", "preference", ("full", "pretraining"))]),
    ],
)  # fmt: skip
def test_a_stage_is_trained_once_whoever_needs_it(variants, more):
    assert _planned(variants) == BOTH + more


def test_what_a_variant_changes_is_in_its_runs_and_in_no_other():
    variant = {
        "criteria": ["security_hardness"], "languages": ["Go", "C"], "max_pairs": 9, "system_prompts": False,
        "magnitude_weight": 0.5, "processes": 4, "nodes": {"preference": 3},
    }  # fmt: skip
    train = _study({"v": variant, "w": {"stages": ["pretraining"]}}, processes=2, nodes=5)
    models = resolve(train)
    first, second = models["v"].start, models["v"]
    assert (first.criteria, first.languages, first.max_pairs, first.system) == ((), (), None, False)
    assert (second.criteria, second.languages, second.max_pairs) == (("security_hardness",), ("C", "Go"), 9)
    assert [run.stage.magnitude_weight for run in (first, second)] == [0.5, 0.5]
    assert [run.stage.lm_weight for run in (first, second)] == [stage.lm_weight for stage in train.stages]
    assert [(run.processes, run.nodes) for run in (first, second)] == [(4, 5), (4, 3)]
    assert [(run.processes, run.nodes, run.system) for run in runs({"full": models["full"]})] == [(2, 5, True)] * 2
    assert models["w"] is models["full"].start


def test_a_merge_starts_where_its_models_parted():
    security, go = {"criteria": ["security_hardness"]}, {"languages": ["Go"]}
    models = resolve(_study({"m": {"merge": ["a", "b"], "density": 0.5}, "a": security, "b": go}))
    assert models["m"] == Merge("m", (models["a"], models["b"]), models["full"].start, 0.5, 1.0)
    apart = resolve(_study({"a": security, "b": {"lm_weight": 0}, "m": {"merge": ["a", "b"]}}))
    assert apart["m"].start == "smollm2"
    alone = resolve(_study({"a": security, "m": {"merge": ["a"]}}))
    assert isinstance(alone["m"].start, Run) and alone["m"].start is alone["full"].start


@pytest.mark.parametrize(
    ("variants", "says"),
    [
        ({"v": {}}, "train.variants.v: trains the same model as full"),
        ({"v": {"max_pairs": 9}, "w": {"max_pairs": 9}}, "train.variants.w: trains the same model as v"),
        ({"v": {"stages": ["warmup"]}}, "train.variants.v.stages: warmup is none of train.stages"),
        ({"v": {"stages": ["preference", "preference"]}}, "v.stages: preference is named twice"),
        ({"v": {"nodes": {"warmup": 2}}}, "v.nodes: warmup is none of train.stages"),
        (
            {"v": {"stages": ["preference"], "nodes": {"pretraining": 2}}},
            "v.nodes: pretraining is none of the stages it",
        ),
        ({"v": {"stages": ["pretraining"], "languages": ["Go"]}}, "v.languages: picks code pairs, but no stage"),
        ({"v": {"criteria": ["helpfulness"]}}, "helpfulness is no criterion of the code set"),
        ({"v": {"languages": ["Cobol"]}}, "Cobol is none of"),
        ({"v": {"merge": ["w"]}}, "v.merge: w is neither train.name nor one of train.variants"),
        ({"v": {"merge": ["v"]}}, "v.merge: v is a merge itself"),
        ({"v": {"merge": ["w"]}, "w": {"merge": ["v"]}}, "v.merge: w is a merge itself"),
        ({"v": {"merge": ["full", "full"]}}, "v.merge: full is named twice"),
        ({"v": {"merge": ["full"], "lm_weight": 0}}, "lm_weight has no meaning beside merge"),
        ({"v": {"max_pairs": 9, "weight": 0.5}}, "weight is of a merge"),
        ({"v": {"base": "big"}, "m": {"merge": ["v", "full"]}}, "m.merge: its models start from big and smollm2"),
        ({"v": {"base": "huge"}}, "train.variants.v.base: huge is not one of language_models"),
        ({"v": {"base": "served"}}, "train.variants.v.base: served is behind a server"),
        ({"full": {"max_pairs": 9}}, "train.variants.full: full is train.name already"),
        ({"big": {"max_pairs": 9}}, "train: big is the name of a language model"),
    ],
)
def test_a_variant_that_contradicts_itself_is_named(variants, says):
    with pytest.raises(Problem) as caught:
        _study(variants)
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ({"name": "merged"}, "merged is what the folder of a merge is called"),
        ({"schedule": "wsd", "warmup": 0.4}, "warmup and stable are 1.1 of the steps together"),
        ({"learning_rate": 1e-8}, "final_learning_rate is above learning_rate"),
    ],
)
def test_a_stage_that_contradicts_itself_is_named(stage, says):
    with pytest.raises(Problem, match=says):
        _study({}, stages=[{"name": "a", "data": "code", **stage}])
    with pytest.raises(Problem, match="two are named a"):
        _study({}, stages=[{"name": "a", "data": "code"}] * 2)


def test_the_workflow_plans_these_trainings_and_no_other(root, tmp_path):
    for name in ("Snakefile", "rules", "profiles", "notebooks"):
        (tmp_path / name).symlink_to(root / name)
    variants = {
        "secure": {"criteria": ["security_hardness"]},
        "plain": {"stages": ["preference"], "lm_weight": 0, "system_prompts": False, "nodes": {"preference": 2}},
        "few": {"languages": ["C++", "C#"], "max_pairs": 9},
        "both": {"merge": ["secure", "few"], "density": 0.5},
    }
    scored = [
        {"name": f"scored-{name}", "family": "sequence_classifier", "checkpoint": name} for name in ("both", "plain")
    ]
    (tmp_path / "study.yaml").write_text(
        yaml.safe_dump({"train": {"name": "full", "variants": variants}, "score": {"models": scored}})
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--configfile", "study.yaml", "--dry-run",
         "--printshellcmds", "results/attrition.parquet"],
        cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    commands = dict(re.findall(r"themis (?:train|merge-models) .*?results/models/(\S+)/export (.*)", done.stdout))
    starts = {name: re.search(r"--(?:base|start) (\S+)", said)[1] for name, said in commands.items()}
    first = "results/models/full/pretraining/export"
    assert starts == {
        "full/pretraining": "results/language_models/smollm2", "full/preference": first, "secure/preference": first,
        "plain/preference": "results/language_models/smollm2", "few/preference": first, "both/merged": first,
    }  # fmt: skip

    def options(name):
        words = shlex.split(commands[name].split(" 2>&1")[0])
        return {word for word in words if word in {"--no-system", "--system"}} | {
            f"{key} {value}"
            for key, value in itertools.pairwise(words)
            if key in {"--criterion", "--language", "--max-pairs", "--lm-weight", "--nodes", "--density"}
        }

    lm = "--lm-weight 0.25"
    assert options("full/preference") == {lm, "--system", "--nodes 1"}
    assert options("secure/preference") == {lm, "--system", "--nodes 1", "--criterion security_hardness"}
    assert options("plain/preference") == {"--lm-weight 0.0", "--no-system", "--nodes 2"}
    assert options("few/preference") == {
        lm, "--system", "--nodes 1", "--language C#", "--language C++", "--max-pairs 9"
    }  # fmt: skip
    assert options("both/merged") == {"--density 0.5"}
    for name in ("secure", "few"):
        assert f"results/models/{name}/preference/export" in commands["both/merged"]
    scoring = dict(re.findall(r"themis score .*?--name (\S+) .*?--checkpoint (\S+)", done.stdout))
    assert scoring["scored-both"] == "results/models/both/merged/export"
    assert scoring["scored-plain"] == "results/models/plain/preference/export"
