"""Every file that a rule writes, its log and its benchmark file belong to one stage, all to the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from themis.upkeep.stages import STAGES, fitting, stage_of

# Reads the workflow as Snakemake does, and prints every rule's files.
LIST = """
import json, sys
from pathlib import Path
from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
with SnakemakeApi(OutputSettings(quiet={"all"})) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(config={}, configfiles=[Path(sys.argv[1])]),
        snakefile=Path("Snakefile"),
    )._workflow
    print(json.dumps({rule.name: [rule.shellcmd, *map(str, rule.products())] for rule in workflow.rules}))
"""


def _plain(path: str) -> str:
    """A path in which a wildcard that says what it may be is the first of these words, or a name alone."""
    return re.sub(r"{\w+,(\w+)(\|\w+)*}", r"\1", re.sub(r"{(\w+),[^}|]*}", r"{\1}", path))


@pytest.fixture(scope="module")
def rules(root) -> dict[str, list[str]]:
    """The shell line of every rule and its output, log and benchmark files, wildcards unfilled."""
    study = str(root / "profiles/local/study.yaml")
    done = subprocess.run([sys.executable, "-c", LIST, study], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1]).items()
    return {rule: [_plain(said) for said in texts] for rule, texts in found if len(texts) > 1}


def test_every_file_of_every_rule_belongs_to_one_stage(rules):
    assert len(rules) > 50
    stages: dict[str, set[str | None]] = {}
    for rule, (_, *paths) in rules.items():
        for path in paths:
            said = sorted(fitting(path.removeprefix("results/")), reverse=True)
            assert said, f"{rule}: {path} is of no stage; add it to themis/upkeep/stages.py"
            tied = {stage for count, stage in said if count == said[0][0]}
            assert len(tied) == 1, f"{rule}: {path} is of {tied}"
        stages[rule] = {stage_of(path.removeprefix("results/")) for path in paths}
    torn = {rule: found for rule, found in stages.items() if len(found) > 1}
    assert not torn
    assert {stage for found in stages.values() for stage in found} == {stage.name for stage in STAGES}


def test_every_rule_writes_its_log_by_way_of_tee_which_puts_the_command_first(rules):
    assert [rule for rule, (shell, *_) in rules.items() if not shell.endswith(" 2>&1 | tee {log}")] == []


@pytest.mark.parametrize("path", ["README.md", "../outside", "contentsx/a", "benchmarks/merge.json", ".lock"])
def test_what_no_rule_writes_is_of_no_stage(path):
    assert stage_of(path) is None
