"""What the profile asks SLURM for, job by job, read from the calls of sbatch; each is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chain_study import Workspace

STUDY = {
    "language_models": {"big": {"path": "big", "backend": "vllm", "vllm": {"tensor_parallel": 8}}},
    "aspects": {"shards": 2},
    "review": {"reviewers": ["big"], "shards": 2},
    "instruct": {"writer": "big", "shards": 2},
    "judge": {"judges": ["big"]},
    "preferences": {"tokenizer": "big"},
    "benchmark": {"name": "crb"},
    "train": {
        "name": "large",
        "base": "big",
        "processes": 8,
        "threads": 3,
        "stages": [{"name": "pretraining", "data": "general"}, {"name": "preference", "data": "code"}],
        "variants": {"wide": {"stages": ["preference"], "nodes": {"preference": 4}}},
    },
    "score": {
        "gpu_memory": 80,
        "models": [
            {"name": "INF-ORM-Llama3.1-70B", "family": "untrained_head", "checkpoint": "big", "dtype": "bfloat16"},
            {"name": "length", "family": "length", "prompt_mode": "none"},
        ],
    },
}
# Where no other rule is considered, nothing has to make what these read.
RULES = ("review", "instruct", "score", "train")
SETS = ("collect_commits", "collect_humaneval", "collect_instructions", "build_benchmark", "assemble")
MODEL = "language_models/big/config.json"
DONE = (
    *("aspects/labelled.parquet", MODEL, "contents/accepted.parquet", "benchmark/crb.parquet"),
    *("preferences/general.parquet", "preferences/code.parquet"),
)
DONE_FOR_SETS = ("contents/accepted.parquet", MODEL, "instructions/big.parquet", "judgements/decisions.parquet")
# A cluster that has a partition, and takes no job, but writes down what it was asked for.
PROGRAMS = {
    "sinfo": "echo all*",
    "sbatch": 'printf "%s\\0" "$@" > "$(dirname "$0")/call.$(date +%s%N).$$"; exit 1',
    **dict.fromkeys(("squeue", "scontrol", "sacct", "sshare"), "exit 1"),
}
TARGETS = (
    "reviews/shards/big.1-of-2.parquet",
    "instructions/shards/big.1-of-2.parquet",
    "instructions/shards/big.2-of-2.parquet",
    "scores/shards/crb/INF-ORM-Llama3.1-70B.1-of-1.parquet",
    "scores/shards/crb/length.1-of-1.parquet",
    "models/large/pretraining/export/model.safetensors",
    "models/wide/preference/export/model.safetensors",
)


@pytest.fixture(scope="module")
def asked(root, tmp_path_factory) -> dict[str, list[dict[str, str]]]:
    """The jobs of models that were asked for."""
    calls, said = _asked(root, tmp_path_factory.mktemp("submission"), RULES, DONE, TARGETS)
    # Two targets are shards of one array.
    assert len(calls) == len(TARGETS) - 1, said
    return calls


def test_the_profile_plans_the_study_of_the_paper_as_it_stands(root, tmp_path):
    workspace = Workspace.make(tmp_path / "themis", {})
    # The one input that comes from elsewhere.
    (workspace.folder / "ghtorrent").mkdir()
    variables = _profiles(root, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "slurm", "--dry-run", "results/crb.parquet"],
        cwd=workspace.folder,
        env={**workspace.environment, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert jobs["retrieve"] == "512"
    assert int(jobs["train"]) > 20


def test_a_model_on_several_gpus_gets_them_on_one_node_and_cores_for_each(asked):
    first, _ = asked["review big_1-of-2"]
    assert (first["--gpus"], first["--nodes"], first["--cpus-per-gpu"]) == ("8", "1", "8")
    assert "--gres" not in first and "--ntasks" not in first
    first, _ = asked["score crb_INF-ORM-Llama3.1-70B_1-of-1"]
    assert (first["--gpus"], first["--nodes"]) == ("2", "1")


def test_what_needs_no_gpu_asks_for_none(asked):
    for attempt in asked["score crb_length_1-of-1"]:
        assert not {"--gpus", "--gres", "--cpus-per-gpu"} & attempt.keys()
        assert (attempt["--ntasks"], attempt["--cpus-per-task"], attempt["--nodes"]) == ("1", "1", "1")


def test_small_steps_side_by_side_are_one_job_of_one_node(root, tmp_path):
    targets = ("preferences/code.parquet", "preferences/general.parquet")
    calls, said = _asked(root, tmp_path, SETS, DONE_FOR_SETS, targets)
    assert len(calls) == 1, said
    ((name, attempts),) = calls.items()
    assert name.startswith("sets_assemble_build_benchmark_collect_")
    for attempt in attempts:
        # A core for each of those that wait for no other.
        assert (attempt["--ntasks"], attempt["--cpus-per-task"]) == ("1", "4")
        assert "--nodes" not in attempt


def test_a_training_gets_the_gpus_of_its_nodes_a_task_for_each_process_and_notice_of_its_end(asked):
    one, several = asked["train large_pretraining"][0], asked["train wide_preference"][0]
    assert [call["--gres"] for call in (one, several)] == ["gpu:8", "gpu:8"]
    assert [call["--signal"] for call in (one, several)] == ["USR1@300", "USR1@300"]
    # One command starts its eight processes of three threads; or srun does, on each of four nodes.
    assert (one["--nodes"], one["--cpus-per-task"]) == ("1", "24")
    assert (several["--nodes"], several["--ntasks-per-node"], several["--cpus-per-task"]) == ("4", "8", "3")
    for call in (one, several):
        assert not {"--gpus", "--ntasks-per-gpu", "--cpus-per-gpu"} & call.keys()


def test_a_job_tried_again_asks_for_more_memory_and_time(asked):
    for name in ("review big_1-of-2", "score crb_length_1-of-1"):
        first, again = asked[name]
        for option in ("--mem", "-t"):
            assert int(again[option]) == 2 * int(first[option]) > 0


def test_shards_that_ask_for_the_same_are_one_array_and_every_job_may_be_queued_again(asked):
    arrays = [(name, attempt["--array"]) for name, calls in asked.items() for attempt in calls if "--array" in attempt]
    # One for each attempt.
    assert arrays == [("instruct", "1-2"), ("instruct", "1-2")]
    assert all("--requeue" in attempt for calls in asked.values() for attempt in calls)


def _asked(
    root: Path, folder: Path, rules: tuple[str, ...], done: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[dict[str, list[dict[str, str]]], str]:
    """What sbatch was asked for, by a job's rule and wildcards, or an array's rule, once for each attempt; and what
    Snakemake said."""
    programs = folder / "programs"
    programs.mkdir()
    for name, does in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", **_profiles(root, folder)}
    options = ("--retries", "1", "--keep-going", "--slurm-init-seconds-before-status-checks", "1")
    workspace = Workspace.make(folder / "themis", STUDY, "slurm", options, variables=variables)
    for name in done:
        path = workspace.folder / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said = workspace.run("--allowed-rules", *rules, "--", *(f"results/{name}" for name in targets), check=False).stdout
    calls: dict[str, list[dict[str, str]]] = {}
    for call in sorted(programs.glob("call.*")):
        options = _options(call.read_text().split("\0")[:-1])
        rule, _, wildcards = options["--comment"].removeprefix("rule_").partition("_wildcards_")
        # Any of its shards may be the first of an array.
        calls.setdefault(rule if "--array" in options else f"{rule} {wildcards}".rstrip(), []).append(options)
    return calls, said[-4000:]


def _profiles(root: Path, folder: Path) -> dict[str, str]:
    """The environment of a user who has called `make profiles`."""
    variables = {"XDG_CONFIG_HOME": str(folder / "settings")}
    subprocess.run(["make", "profiles"], cwd=root, env={**os.environ, **variables}, check=True)
    return variables


def _options(words: list[str]) -> dict[str, str]:
    """The options among the words of a call, long or short, with their values; empty for those that have none."""
    options = {}
    for word, after in zip(words, [*words[1:], "-"], strict=True):
        name, given, value = word.partition("=")
        if name.startswith("-"):
            options[name] = value if given else "" if after.startswith("-") else after
    return options
