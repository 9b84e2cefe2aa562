"""The study at the paper's scale trains what the paper says it trained (section 4.2, tables 2, 3 and 5)."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from themis.study import load
from themis.study.recipes import Merge, resolve, runs
from themis.vocabulary import CODE_CRITERIA

ROOT = Path(__file__).parents[2]
PRETRAINING = {
    "data": "general", "epochs": 2, "batch_pairs": 1024, "learning_rate": 2e-5, "final_learning_rate": 1e-5, "clip": 2.0,
    "lm_weight": 0.4, "magnitude_weight": 0.01, "max_tokens": 2560,
}  # fmt: skip
PREFERENCE = {
    "data": "code", "epochs": 1, "batch_pairs": 512, "learning_rate": 1e-5, "final_learning_rate": 5e-7, "clip": 1.5,
    "lm_weight": 0.25, "magnitude_weight": 0.001, "max_tokens": 4096,
}  # fmt: skip
BOTH = {
    "schedule": "cosine", "warmup": 0.05, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8,
    "magnitude": "centering",
}  # fmt: skip
GPUS = {"0.6b": (8, 8), "1.7b": (8, 8), "4b": (16, 16), "8b": (32, 32), "14b": (32, 64), "32b": (64, 128)}


@pytest.fixture(scope="module")
def study():
    return load(ROOT / "profiles/paper/study.yaml")


@pytest.fixture(scope="module")
def models(study):
    return resolve(study.train)


def test_the_six_sizes_are_trained_by_table_5(study, models):
    for size, gpus in GPUS.items():
        second = models[f"themis-rm-{size}"]
        first = second.start
        assert study.language_models[first.start].hub.lower() == f"qwen/qwen3-{size}"
        assert (first.nodes * first.processes, second.nodes * second.processes) == gpus
        for run, said in ((first, PRETRAINING), (second, PREFERENCE)):
            found = run.stage.model_dump()
            assert {name: found[name] for name in {**BOTH, **said}} == {**BOTH, **said}
            assert (run.criteria, run.languages, run.max_pairs, run.system) == ((), (), None, True)


def test_the_ablations_change_one_thing_of_the_8b(study, models):
    full = models["themis-rm-8b"]
    single = [run for run in models.values() if not isinstance(run, Merge) and run.criteria]
    assert [run.criteria for run in single] == [(criterion,) for criterion in _in_table_2_order()]
    assert all(run.start is full.start for run in single)
    (merged,) = (model for model in models.values() if isinstance(model, Merge))
    assert merged.members == tuple(single) and merged.start is full.start
    fifty = {run.languages for run in models.values() if not isinstance(run, Merge) and run.max_pairs == 50_000}
    assert {(), ("Python",), ("Java",)} < fifty and len(fifty) == 4
    plain = models["8b-no-auxiliary-loss-no-pretraining"]
    assert (plain.start, plain.stage.lm_weight, plain.stage.magnitude) == ("qwen3-8b", 0, "none")
    both = models["8b-no-auxiliary-loss"]
    assert [(run.name, run.stage.lm_weight, run.stage.magnitude) for run in (both.start, both)] == [
        ("pretraining", 0, "none"), ("preference", 0, "none")
    ]  # fmt: skip
    assert not models["8b-no-criteria-prompts"].system and not models["8b-no-criteria-prompts"].start.system
    lines = {model.name: (model.checkpoint, model.prompt_mode) for model in study.score.models}
    assert lines["8b-all-criteria-prompt"] == ("themis-rm-8b", "all")
    assert set(models) <= {checkpoint for checkpoint, _ in lines.values()}


def test_models_are_scored_on_table_10_and_the_sources_of_the_benchmark(study, root):
    lines = study.benchmarks
    assert [lines[name].prompt_mode for name in ("rewardbench", "rewardbench2", "judgebench", "rmbench")] == [
        "none"
    ] * 4
    assert all(name == line.format for name, line in lines.items()) and len(lines) == 7
    files = root.parent / "shared/reference/benchmarks/nofuneval"
    if not files.is_dir():
        pytest.skip(f"needs NoFunEval in {files}")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files.glob("*.jsonl")}
    assert {name: url.partition("#sha256=")[2] for name, url in lines["nofuneval"].urls.items()} == digests


def test_the_workflow_can_be_planned(models, tmp_path):
    for name in ("Snakefile", "rules", "profiles", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "ghtorrent").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/paper", "--dry-run", "results/crb.parquet",
         "results/attrition.parquet"],
        cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    planned = Counter(re.findall(r"^rule (\w+):$", done.stdout, re.MULTILINE))
    assert (planned["train"], planned["merge"]) == (len(runs(models)), 1)


def _in_table_2_order():
    order = ("functional", "runtime", "memory", "readability", "security")
    return sorted(CODE_CRITERIA, key=lambda criterion: order.index(criterion.split("_")[0]))
