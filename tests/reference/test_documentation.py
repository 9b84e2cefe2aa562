"""What the README and the pages show is there: commands, options, files, tables, settings, links."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
import yaml
from snakemake.cli import get_argument_parser

from tests.reference.documents import ALL, ROOT, WRITTEN, anchors, blocks, braces, commands, links, spans
from themis.cli import app
from themis.reference.study_page import given, nested
from themis.study import Study

_PLACES = ("themis/", "tests/", "rules/", "profiles/", "notebooks/", "envs/", ".ci/")
_STAND_IN = re.compile(r"<[a-z_]+>")


def _id(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def tree():
    return typer.main.get_command(app).commands


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_commands_of_themis_and_their_options_exist(page, tree):
    for words in commands(page, "themis"):
        name, rest = words[1], words[2:]
        if name.isupper() or name.startswith("-"):
            continue
        assert name in tree, f"themis {name}"
        known = {spelled for param in tree[name].params for spelled in (*param.opts, *param.secondary_opts)}
        asked = {word.partition("=")[0] for word in rest if word.startswith("--") and len(word) > 2}
        assert asked <= known | {"--help"}, f"themis {name}"


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_a_command_shown_in_a_block_of_its_own_has_all_that_it_needs(page, tree):
    lines = [line for block in blocks(page) if not block.kind for line in block.text.splitlines()]
    for words in commands(page, "themis"):
        shown = any(line.strip().startswith(" ".join(words[:3])) for line in lines)
        if not shown or len(words) < 3 or words[1] not in tree:  # two words may be its name alone
            continue
        needed = {param.opts[0] for param in tree[words[1]].params if param.required and param.opts[0].startswith("--")}
        assert needed <= set(words), " ".join(words)


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_lines_of_snakemake_are_understood_and_name_a_profile_that_ships(page):
    for words in commands(page, "snakemake"):
        given = get_argument_parser().parse_args([word for word in words[1:] if not _STAND_IN.search(word)])
        for name in given.profile or ():
            folder = ROOT / (name if "/" in name else f"profiles/{name}")
            assert name.isupper() or (folder / "config.yaml").is_file(), words


def test_targets_of_snakemake_can_be_planned():
    """One dry run of all targets that are shown with the local profile."""
    targets = {"results/crb.parquet"}
    for page in WRITTEN:
        for words in commands(page, "snakemake"):
            given = get_argument_parser().parse_args([word for word in words[1:] if not _STAND_IN.search(word)])
            if given.profile and given.profile[0] in ("profiles/local", "local") and not given.unlock:
                targets |= set(given.targets)
    program = str(Path(sys.executable).parent / "snakemake")
    ran = subprocess.run(
        [program, "--profile", "profiles/local", "--dry-run", "--quiet", "all", "--", *sorted(targets)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_targets_and_variables_of_make_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    for words in commands(page, "make"):
        for word in words[1:]:
            name, equals, _ = word.partition("=")
            if equals:
                assert re.search(rf"\b{name}\b", makefile), " ".join(words)
            elif name.isalpha():
                assert name in targets, " ".join(words)


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_files_of_the_project_that_are_named_exist(page):
    for span in spans(page):
        if not span.startswith(_PLACES) or " " in span:
            continue
        for name in braces(span):
            pattern = _STAND_IN.sub("*", name).rstrip("/")
            assert list(ROOT.glob(pattern)), f"{name}: no such file"


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_results_that_are_named_are_written_by_a_rule(page):
    rules = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")])
    literals = [one.rstrip("/") for one in set(re.findall(r'"(results/[^"]*)"', rules))]
    for span in spans(page):
        if span.startswith("results/") and " " not in span:
            for name in braces(span):
                assert any(_covers(one, name) for one in literals), f"{name}: no rule writes it"


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_blocks_of_yaml_hold_settings_that_exist(page):
    for block in blocks(page):
        settings = _settings(block)
        if settings is not None:
            list(given(Study, settings))


@pytest.mark.parametrize("page", ALL, ids=_id)
def test_blocks_of_python_compile(page):
    for block in blocks(page):
        if block.kind == "python" and page.parent.name != "reference":
            ast.parse(block.text)


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_settings_that_are_named_exist(page):
    groups = set(Study.model_fields)
    for span in spans(page):
        path = re.fullmatch(r"([a-z_]+)((?:\.[a-z_]+|\[\])+)", span)
        if path and path[1] in groups:
            assert _is_setting(span), span


@pytest.mark.parametrize("page", ALL, ids=_id)
def test_links_lead_somewhere(page):
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_messages_in_the_troubleshooting_are_those_of_the_code():
    """Every fixed part of a heading is in the source, where a message may go on in the next line."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "themis").rglob("*.py")))
    for path in (*sorted((ROOT / "rules").glob("*.smk")), ROOT / "Makefile"):
        source += path.read_text(encoding="utf-8")
    source = re.sub(r'["\']\s*\n?\s*f?["\']', "", source)
    page = ROOT / "notebooks/howto/troubleshooting.md"
    headings = re.findall(r"^### `(.*)`$", page.read_text(encoding="utf-8"), re.M)
    assert len(headings) >= 25
    for heading in headings:
        for part in re.split(r"<\.\.\.>", heading):
            words = part.strip(" :;,()").removeprefix("make: ")
            assert words in source, words


def test_every_page_is_reached_from_the_readme():
    readme = ROOT / "README.md"
    named = {(readme.parent / link).resolve() for link in links(readme)}
    assert {*ALL, ROOT / "notebooks/reference/rules.svg"} - {readme} <= named


def _covers(literal, name):
    """Whether a file of a rule, wildcards and all, is the one named, or one of the two is a folder above the other."""
    patterns = re.sub(r"\{+[^{}]*\}+", "*", literal).split("/")
    names = _STAND_IN.sub("x", name).rstrip("/").split("/")
    known = names[:-1] if names[:2] == ["results", "models"] else names  # a run leaves its metrics beside its export
    pairs = zip(known, patterns, strict=False)
    return all(fnmatch(one, pattern) or fnmatch(one, f"{pattern}.*") for one, pattern in pairs)


def _settings(block):
    """What a block of YAML sets in a study, None where it is no such block."""
    if block.kind not in ("", "yaml"):
        return None
    try:
        loaded = yaml.safe_load(block.text)
    except yaml.YAMLError:
        return None
    fits = isinstance(loaded, dict) and (block.kind == "yaml" or set(loaded) & set(Study.model_fields))
    return loaded if fits else None


def _is_setting(path):
    model = Study
    for name in path.replace("[]", "").split("."):
        if model is None or name not in model.model_fields:
            return False
        model = nested(model.model_fields[name].annotation)[0]
    return True
