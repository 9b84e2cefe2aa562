"""The generated pages are those that the code makes, and say all there is."""

import re
from pathlib import Path
from typing import Annotated

import pytest
import typer
from pydantic import TypeAdapter

from themis.cli import app
from themis.records import SCHEMAS
from themis.reference.pages import pages
from themis.reference.rule_page import read_rules
from themis.reference.study_page import examples, given, keys
from themis.study import Study

FOLDER = Path("notebooks/reference")


@pytest.fixture(scope="module")
def commands():
    return typer.main.get_command(app)


@pytest.fixture(scope="module")
def written(root, commands):
    return pages(commands, root)


def test_the_pages_are_current(root, written):
    stale = [name for name, text in written.items() if (root / FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make defaults`"


def test_every_setting_has_a_meaning_and_a_valid_example(root):
    known = examples(root / "profiles")
    fields = dict(keys())
    assert [path for path, field in fields.items() if not field.description] == []
    assert [path for path in fields if path not in known] == [], "give an example in themis/study/examples.yaml"
    for path, field in fields.items():
        adapter = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
        adapter.validate_python(known[path])


def test_an_example_of_a_setting_that_is_none_is_refused():
    with pytest.raises(KeyError, match=r"train\.stages\[\]\.warm_up"):
        list(given(Study, {"train": {"stages": [{"warmup": 0.1, "warm_up": 0.1}]}}))


def test_every_command_and_option_is_there(commands, written):
    page = written["commands.md"]
    for name, command in commands.commands.items():
        section = page.split(f"\n### {name}\n")[1].split("\n##")[0].replace("&lt;", "<")
        for param in command.params:
            spelled = param.opts[0] if param.param_type_name == "option" else param.name.upper()
            assert f"`{spelled}" in section, f"{name} {spelled}"
            assert (param.help or "").strip().split("|")[0].split("\n")[0] in section, f"{name} {spelled}"


def test_every_command_and_option_says_what_it_does(commands):
    silent = [
        f"{name} {param.name}"
        for name, command in commands.commands.items()
        for param in command.params
        if not param.help or not command.help
    ]
    assert silent == []


def test_every_column_is_there_with_its_type(written):
    for name, schema in SCHEMAS.items():
        section = written["tables.md"].split(f"\n## {name}\n")[1].split("\n## ")[0]
        for field in schema:
            assert f"| `{field.name}` | `{field.type}` |" in section, f"{name}.{field.name}"


def test_every_rule_is_there_with_what_it_reads_writes_and_runs(root, written, commands):
    page = written["rules.md"]
    for path in sorted((root / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        rules = read_rules(path)
        assert [rule.name for rule in rules] == re.findall(r"^rule (\w+):", text, re.M), path.name
        for rule in rules:
            section = page.split(f"\n### {rule.name}\n")[1].split("\n### ")[0]
            for literal in re.findall(
                r'"(results/[^"]+)"', rule.directives["output"] + rule.directives.get("input", "")
            ):
                assert literal in section, f"{rule.name}: {literal}"
            if rule.command is not None:
                assert rule.command in commands.commands, f"{rule.name} runs {rule.command}"


def test_every_rule_runs_a_command_of_themis(root):
    silent = [
        rule.name for path in sorted((root / "rules").glob("*.smk")) for rule in read_rules(path) if not rule.command
    ]
    assert silent == []
