"""What the rules run is understood by the commands: every option is there, every required one given, every value legal."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from themis.cli import app
from themis.reference.rule_page import read_rules

ROOT = Path(__file__).parents[2]
EVERYTHING = ("all", "paper", "export", "benchmark", "preferences", "cost",
              "results/metrics/instruct.parquet", "results/notebooks/tutorial_distributed_training.html")  # fmt: skip
MINED = ("results/contents/deduplicated.parquet",)
PLANS = {
    "local": EVERYTHING,
    "clones": EVERYTHING,
    "paper": EVERYTHING,
    "published": ("paper", "cost"),
    "bigquery": MINED,
}
SERVED = {"base_url": "http://127.0.0.1:9", "model": "m", "key_variable": "KEY", "markup": ["<|end|>"]}
# Turns on what the studies of the profiles leave off.
WIDE = {
    "repositories": ["https://host.example/a/b.git"], "roots": ["clones"],
    "mine": {"project": "mine", "results_dataset": "mine.results"},
    "select": {"allow_list": ["allowed"], "benchmark": {"since": None, "until": None}, "require_merged": False},
    "contents": {"network": {"whole_clones": False}},
    "language_models": {
        "served": {"backend": "openai", "openai": SERVED},
        "fast": {"hub": "a/b", "revision": "0" * 40, "backend": "vllm", "vllm": {"max_context": 4096, "eager": True}},
        "near": {"path": "near", "dtype": "bfloat16"},
    },
    "review": {"reviewers": ["served", "fast", "near"], "context_lines": 3, "min_reviewers": 2},
    "instruct": {"writer": "served"}, "judge": {"judges": ["fast"]}, "bugs": {"writer": "served"},
    "collections": {
        "code": ["commits", "mutants", "bugs", "bugged_oss_instruct", "runbugrun"], "general": ["humaneval", "skywork"],
        "places": {
            "runbugrun": {"path": "pairs", "max_rows": 9},
            "skywork": {"hub": "a/b", "revision": "1", "columns": {"chosen": "good"}},
        },
    },
    "recover": {"writer": "fast", "collections": ["runbugrun"]},
    "preferences": {
        "language_identifier": "glot.bin", "perplexity": {"kenlm": "en.arpa", "sentencepiece": "en.sp", "most": 1200},
        "balance": "downsample", "decontaminate": ["other"], "max_code_pairs": 9, "max_general_pairs": 9,
    },
    "benchmark": {"folder": "published", "balance": "downsample"},
    "benchmarks": {
        "own": {"format": "pairs", "path": "own.jsonl", "columns": {"chosen": "good"}, "sample": 9, "aspect": "harmlessness"},
        "far": {"format": "pairs", "urls": {"a.jsonl": f"https://host.example/a.jsonl#sha256={'0' * 64}"}},
        "rm": {"format": "rmbench", "revision": "1", "config": "c", "splits": ["s"], "prompt_mode": "all"},
    },
    "train": {"name": "full", "trackers": ["tensorboard"], "variants": {
        "few": {"max_pairs": 9, "languages": ["Go"], "nodes": {"preference": 2}},
        "secure": {"criteria": ["security_hardness"], "system_prompts": False},
        "both": {"merge": ["few", "secure"]},
    }},
    "score": {"shards": 2, "allow_missing": True, "models": [
        {"name": "full", "family": "sequence_classifier", "checkpoint": "full"},
        {"name": "both", "family": "sequence_classifier", "checkpoint": "both"},
        {"name": "far", "family": "sequence_classifier", "hub": "a/b", "revision": "1", "trust_remote_code": True},
        {"name": "said", "family": "judge", "hub": "a/b", "backend": "vllm", "scoring": "parsed", "reply_tokens": 9},
        {"name": "asked", "family": "r3", "backend": "openai", "openai": SERVED},
        {"name": "near", "family": "perplexity", "checkpoint": "near"},
        {"name": "random", "family": "random", "prompt_mode": "none"},
    ]},
    "rerank": {"writer": "served", "samples": 3},
    "robustness": {"models": ["full", "both"]},
    "published_runs": "https://host.example/runs.zip#sha256=" + "0" * 64,
    "analysis": {"trained_subsets": ["A_*"]},
}  # fmt: skip
AT_HAND = (
    "ghtorrent",
    "clones",
    "near",
    "allowed",
    "pairs",
    "glot.bin",
    "en.arpa",
    "en.sp",
    "other",
    "published",
    "own.jsonl",
    "runs",
)


@pytest.fixture(scope="module")
def tree():
    return typer.main.get_command(app).commands


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Rules and commands of the dry run of every study that ships, and of one that leaves little off."""
    folder = tmp_path_factory.mktemp("plans")
    for name in ("Snakefile", "rules", "profiles", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    for name in AT_HAND:
        (folder / name).mkdir()
    (folder / "near/config.json").touch()
    (folder / "wide.yaml").write_text(yaml.safe_dump(WIDE))
    found = {"wide": _plan(folder, "wide.yaml", EVERYTHING)}
    for profile, targets in PLANS.items():
        found[profile] = _plan(folder, f"profiles/{profile}/study.yaml", targets)
    return found


def test_every_study_that_ships_is_planned():
    assert set(PLANS) == {path.parent.name for path in (ROOT / "profiles").glob("*/study.yaml")}


def test_every_rule_is_planned(planned):
    rules = {rule.name for file in (ROOT / "rules").glob("*.smk") for rule in read_rules(file)}
    assert rules == {name for names, _ in planned.values() for name in names} - {"all", "paper", "export", "benchmark",
                                                                                  "preferences"}  # fmt: skip


def test_every_planned_command_is_understood(planned, tree):
    seen = {}
    for profile, (_, lines) in planned.items():
        for line in lines:
            name, *words = _of_themis(line)
            assert name in tree, f"{profile}: {line}"
            # One of all that differ in their files and numbers alone.
            alike = tuple(re.sub(r"results/\S*|\d+", "", word) for word in words)
            seen.setdefault((name, alike), (words, profile))
    assert len({name for name, _ in seen}) > 40
    for (name, _), (words, profile) in seen.items():
        try:
            tree[name].make_context(name, list(words))
        except Exception as error:  # of Typer's own copy of Click
            pytest.fail(f"{profile}: themis {shlex.join([name, *words])}: {getattr(error, 'message', error)}")


def test_options_that_a_rule_spells_out_exist(tree):
    """Also those of rules that no study here plans."""
    for file in (ROOT / "rules").glob("*.smk"):
        for rule in read_rules(file):
            known = {spelled for param in tree[rule.command].params for spelled in (*param.opts, *param.secondary_opts)}
            said = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", rule.directives["shell"]))
            assert said <= known, rule.name


def _plan(folder, study, targets):
    """Names of the rules and shell commands of a dry run."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", study, "--cores", "1", "--dry-run", "--printshellcmds",
         *(["--config", "published_runs=runs"] if "published/" in study else []), "--", *targets],
        cwd=folder, env=os.environ | {"HOME": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rules = set(re.findall(r"^(?:local)?rule (\w+):$", done.stdout, re.MULTILINE))
    lines = re.findall(r"^Shell command: (.*)$", done.stdout, re.MULTILINE)
    return rules, [line for line in lines if line != "None"]  # of a rule that only names targets


def _of_themis(line):
    """The words of a shell command after `themis`, without what is done with its output."""
    words = shlex.split(line.partition(" 2>&1 | tee ")[0])
    at = next(place for place, word in enumerate(words) if word == "themis" or word.endswith("/bin/themis"))
    return words[at + 1 :]
