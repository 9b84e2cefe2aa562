"""A classifier that vLLM runs has the scores, ties, reasons and cuts that transformers gives it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.vllm.classifiers import LONGEST, bad, well, write_classifier
from themis.score.families import scorer_for
from themis.score.protocol import PairScore

pytestmark = pytest.mark.vllm

TOLERANCE = {"float32": 1e-4, "bfloat16": 0.1}  # the second in standard deviations of the scores, on average
_SETTINGS = {"memory": 0.05, "max_sequences": 16}
_ROWS = [*well(), *bad().values()]
_LISTS = [_ROWS, _ROWS[::-1]]


def options(folder, **given):
    own = {
        "checkpoint": folder, "prompt_mode": "criterion", "max_tokens": LONGEST, "batch_tokens": 2048,
        "dtype": "float32", "threads": 1, "seed": 1, "cache": None,
    }  # fmt: skip
    return own | given


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Options of `scorer_for` by name of a case, and the lists of pairs each is asked about."""
    root = tmp_path_factory.mktemp("pooling")
    folders = {kind: write_classifier(root / kind, kind) for kind in ("qwen3", "llama")}
    cache = root / "cache.jsonl"
    return {
        "qwen3 float32": (options(folders["qwen3"], cache=cache), _LISTS),
        "qwen3 resumed": (options(folders["qwen3"], cache=root / "half.jsonl"), [_ROWS]),
        "qwen3 bfloat16": (options(folders["qwen3"], dtype="bfloat16"), _LISTS[:1]),
        "llama float32": (options(folders["llama"], share_prefix=False, batch_tokens=600), _LISTS[:1]),
        "llama cut": (options(folders["llama"], truncation="tail", max_tokens=400, prompt_mode="none"), _LISTS[:1]),
        "llama published": (options(folders["llama"], protocol="published", max_tokens=300), _LISTS[:1]),
    }


@pytest.fixture(scope="module")
def answers(cases, vllm_python, root, tmp_path_factory) -> dict[str, list[dict[str, PairScore]]]:
    """Scores by case, list and id. The cache of `qwen3 resumed` is the other's, cut in half."""
    folder = tmp_path_factory.mktemp("pooled")
    asked = {
        name: {
            "options": {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
            | {"backend": "vllm", "settings": json.dumps(_SETTINGS)},
            "lists": [[dataclasses.asdict(pair) for pair in rows] for rows in lists],
            "half": str(cases["qwen3 float32"][0]["cache"]) if name == "qwen3 resumed" else None,
        }
        for name, (given, lists) in cases.items()
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    command = [vllm_python, "-m", "tests.vllm.pooled", folder / "asked.json", folder]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path.stem for path in folder.glob("*.json")} == {*cases, "asked"}, done.stderr[-3000:]
    found = {name: json.loads((folder / f"{name}.json").read_text()) for name in cases}
    return {
        name: [{row: PairScore(**score) for row, score in rows.items()} for rows in one] for name, one in found.items()
    }


@pytest.fixture(scope="module")
def expected(answers, cases):
    """What transformers answers; made after vLLM's answers, so that it is not made where these are skipped."""
    del answers
    return {
        name: dict(scorer_for("sequence_classifier", name="m", **(given | {"cache": None})).score(lists[0]))
        for name, (given, lists) in cases.items()
    }


def numbers(scores):
    return np.array([[one.chosen, one.rejected] for _, one in sorted(scores.items()) if one.missing_reason is None])


@pytest.mark.parametrize("name", ["qwen3 float32", "llama float32", "llama cut", "llama published"])
def test_both_scores_of_every_pair_are_those_of_transformers(name, answers, expected):
    ours, theirs = numbers(answers[name][0]), numbers(expected[name])
    assert len(ours) >= len(well())
    assert np.abs(ours - theirs).max() <= TOLERANCE["float32"]
    assert theirs.std() > 1000 * TOLERANCE["float32"]
    assert theirs.min() < 0 and theirs.max() > 1, "no sigmoid could give these"


def test_in_bfloat16_they_differ_by_rounding_alone(answers, expected):
    ours, theirs = numbers(answers["qwen3 bfloat16"][0]), numbers(expected["qwen3 bfloat16"])
    assert np.sqrt(((ours - theirs) ** 2).mean()) <= TOLERANCE["bfloat16"] * theirs.std()
    assert np.abs(ours - numbers(expected["qwen3 float32"])).max() > 1e-3, "this was computed in float32"


def test_a_score_does_not_depend_on_the_order_and_a_cut_run_goes_on_to_the_same(answers, cases):
    first, again = answers["qwen3 float32"]
    assert first == again == answers["qwen3 resumed"][0]
    assert cases["qwen3 resumed"][0]["cache"].read_bytes() == cases["qwen3 float32"][0]["cache"].read_bytes()


@pytest.mark.parametrize("name", ["qwen3 float32", "qwen3 bfloat16", "llama float32", "llama cut", "llama published"])
def test_reasons_cuts_and_ties_are_the_same(name, answers, expected):
    ours = answers[name][0]
    assert ours.keys() == expected[name].keys()
    for row, other in expected[name].items():
        assert (ours[row].missing_reason, ours[row].truncated) == (other.missing_reason, other.truncated), row
    assert ours["same"].outcome == "tie"


def test_what_has_no_score_says_why_and_harms_no_other(answers, expected):
    for name in ("qwen3 float32", "llama float32"):
        reasons = {one.missing_reason: row for row, one in answers[name][0].items() if one.missing_reason}
        assert reasons == {reason: pair.id for reason, pair in bad().items()}
    assert any(one.truncated for one in expected["llama cut"].values())
