"""The registry: one line a model of the paper, in the paper's order, and no fact that is not of its form."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from themis.registry.memory import gpus_needed, memory_needed
from themis.registry.models import ReferenceModel, in_order, known_models, reference_model
from themis.score.families import FAMILIES
from themis.study.models import Family

LINES = yaml.safe_load(files("themis.registry").joinpath("models.yaml").read_text(encoding="utf-8"))
NAMES = [line["name"] for line in LINES]


@pytest.fixture(scope="module")
def reference(root: Path) -> Path:
    """The folder of published runs and printed tables that lies beside the project."""
    folder = root.parent / "shared/reference"
    if not (folder / "printed_tables.csv").exists():
        pytest.skip("the published runs and printed tables (../shared/reference) are not here")
    return folder


@pytest.fixture(scope="module")
def printed(reference: Path) -> dict[str, str]:
    """Model -> printed size such as `72B`, in the order of the paper's table 2."""
    with (reference / "printed_tables.csv").open(encoding="utf-8", newline="") as file:
        return {row["row"]: row["size"] for row in csv.DictReader(file) if row["table"] == "2"}


def test_fifty_one_models_each_named_once():
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []
    assert len(NAMES) == 51
    assert [model.name for model in known_models()] == NAMES


def test_every_published_run_has_a_line(reference):
    runs = {folder.name for folder in (reference / "published_runs").iterdir() if folder.is_dir()}
    assert runs, "no run under ../shared/reference/published_runs"
    assert runs - set(NAMES) == set()


def test_order_and_sizes_are_those_of_table_two(printed):
    assert list(printed) == NAMES
    assert {name: f"{reference_model(name).size:g}B" for name in NAMES} == printed


def test_an_unknown_name_is_a_family_of_its_own_and_nothing_else():
    stranger, other = reference_model("my-reward-model"), reference_model("another")
    assert (stranger.name, stranger.family, stranger.kind) == ("my-reward-model", "my-reward-model", "unknown")
    assert stranger.family != other.family
    assert not {model.family for model in known_models()} & {stranger.family, other.family}
    assert {stranger.size, stranger.architecture, stranger.range} == {None}
    assert {stranger.hub, stranger.license, stranger.citation} == {None}


def test_known_names_come_in_the_registrys_order_whatever_the_order_given():
    chosen = [NAMES[0], NAMES[7], NAMES[30], NAMES[-1]]
    for names in itertools.permutations(chosen):
        assert in_order(names) == chosen
    assert in_order(reversed(NAMES)) == NAMES


def test_unknown_names_follow_in_the_order_given():
    assert in_order(["zeta", NAMES[5], "alpha", NAMES[2], "mu"]) == [NAMES[2], NAMES[5], "zeta", "alpha", "mu"]
    assert in_order(iter(["mu", "alpha", NAMES[2]])) == [NAMES[2], "mu", "alpha"]
    assert in_order([]) == []


def test_a_hub_id_is_owner_and_name_and_belongs_to_one_model():
    hubs = [model.hub for model in known_models() if model.hub is not None]
    assert hubs
    assert [hub for hub in hubs if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", hub)] == []
    assert [hub for hub, count in Counter(hubs).items() if count > 1] == []


def test_a_citation_is_an_arxiv_number_that_yaml_has_not_read_as_a_decimal():
    citations = [line["citation"] for line in LINES if "citation" in line]
    assert citations
    assert [c for c in citations if not (isinstance(c, str) and re.fullmatch(r"\d{4}\.\d{5}", c))] == []


def test_a_rubrics_range_ascends_and_only_models_that_answer_have_one():
    for model in known_models():
        if model.range is not None:
            assert model.range[0] < model.range[1], model.name
            assert model.kind == "generative", model.name


def test_the_released_suite_has_six_sizes_and_asks_by_criterion():
    suite = [model for model in known_models() if model.family == "Themis"]
    assert [model.size for model in suite] == [32, 14, 8, 4, 1.7, 0.6]
    assert {model.prompt_mode for model in suite} == {"criterion"}
    assert {model.prompt_mode for model in known_models() if model not in suite} == {"none"}


def test_every_line_names_a_family_of_scorers_that_a_study_may_name_too():
    families = set(get_args(Family))
    assert families == set(FAMILIES)
    assert {model.architecture for model in known_models()} <= families


def test_a_revision_is_a_whole_commit():
    revisions = [model.revision for model in known_models() if model.revision is not None]
    assert [revision for revision in revisions if not re.fullmatch("[0-9a-f]{40}", revision)] == []
    assert [model.name for model in known_models() if model.verified and not model.revision] == []


@pytest.mark.parametrize(
    ("size", "dtype", "weights"), [(8, "bfloat16", 14.9), (8, "float32", 29.8), (70, "bfloat16", 130.4)]
)
def test_memory_is_the_weights_and_a_little_more_that_grows_with_the_tokens(size, dtype, weights):
    needed = [memory_needed(size, dtype, tokens) for tokens in (1024, 2048, 3072)]
    assert weights < needed[0] < 1.1 * weights + 1
    assert needed[2] - needed[1] == pytest.approx(needed[1] - needed[0])
    assert needed[1] > needed[0]


def test_gpus_are_the_least_power_of_two_that_holds_the_model():
    assert [gpus_needed(gib, 80) for gib in (1, 71, 73, 143, 145, 289)] == [1, 1, 2, 2, 4, 8]
    assert gpus_needed(memory_needed(70, "bfloat16", 4096), 80) == 2


@pytest.mark.parametrize("misspelt", ["licence", "hub_id", "architecure", "Family", "sizes"])
def test_a_misspelt_key_is_refused(misspelt):
    line = {"name": "m", "family": "f", "class": "scalar"}
    assert ReferenceModel.model_validate(line).kind == "scalar"
    with pytest.raises(ValidationError, match=misspelt):
        ReferenceModel.model_validate(line | {misspelt: "x"})


@pytest.mark.parametrize("wrong", [{"class": "pairwise"}, {"size": 0}, {"citation": 2507.01352}, {"range": [1]}])
def test_a_value_of_the_wrong_form_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ReferenceModel.model_validate({"name": "m", "family": "f"} | wrong)
