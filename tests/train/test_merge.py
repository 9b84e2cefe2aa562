"""Merged models: against TIES written down again in numpy, and what a merge of one or of equals must be."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from themis.cli import app
from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.train.merge import merge, ties
from themis.train.model import LM_HEAD_FILE


def _by_numpy(start, models, density, weight):
    changes = []
    for model in models:
        change = (model - start).ravel().copy()
        kept = max(1, round(density * change.size))
        change[np.argsort(-np.abs(change), kind="stable")[kept:]] = 0
        changes.append(change)
    merged = []
    for entries in np.stack(changes, axis=1):
        sign = np.sign(np.sum(entries))
        agreeing = [entry for entry in entries if entry != 0 and np.sign(entry) == sign]
        merged.append(np.mean(agreeing) if agreeing else 0.0)
    return start + weight * np.reshape(merged, start.shape)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_base):
    """A base with a language-model head of its own, the export of a first stage, and two that went on from that."""
    folder = tmp_path_factory.mktemp("trained")
    base = make_base(folder / "base", tied=False)
    first = _export(base, folder / "first", load_file(base / "model.safetensors"), seed=0)
    return base, first, [_export(base, folder / name, _weights(first), seed=name) for name in ("second", "third")]


def _export(base, folder, start, seed):
    """An export of the base's form with weights near those of `start`."""
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    source = torch.Generator().manual_seed(zlib.crc32(str(seed).encode()))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = 0.1 * torch.randn(parameter.shape, generator=source)
            parameter.copy_(start.get(name, torch.zeros(())) + noise)
        head = start["lm_head.weight"] + 0.1 * torch.randn(start["lm_head.weight"].shape, generator=source)
    model.config.pad_token_id = Chat.load(base).pad_id
    model.save_pretrained(folder)
    (folder / LM_HEAD_FILE).parent.mkdir()
    save_file({"lm_head.weight": head}, folder / LM_HEAD_FILE)
    return folder


def _weights(folder):
    return {**load_file(folder / "model.safetensors"), **load_file(folder / LM_HEAD_FILE)}


@pytest.mark.parametrize(("density", "weight"), [(0.2, 1.0), (0.5, 0.7), (1.0, 1.0), (0.001, 2.0)])
def test_a_tensor_is_merged_as_the_paper_says(density, weight):
    source = np.random.default_rng(3)
    start, models = source.normal(size=(9, 11)), source.normal(size=(4, 9, 11))
    changes = [lambda model=model: torch.tensor(model - start) for model in models]
    ours = ties(torch.tensor(start), changes, density=density, weight=weight)
    np.testing.assert_allclose(ours, _by_numpy(start, models, density, weight), rtol=1e-12, atol=1e-12)


def test_every_weight_of_the_export_is_merged(trained, tmp_path):
    base, first, exports = trained
    for start in (first, base):
        merge(exports, start, tmp_path / "out", density=0.3, weight=1.0)
        before, merged, members = _weights(first), _weights(tmp_path / "out"), [_weights(e) for e in exports]
        if start == base:
            named = load_file(base / "model.safetensors")
            before = {name: named.get(name, torch.zeros_like(value)) for name, value in before.items()}
            assert set(before) - set(named) == {"score.weight"}
        assert set(merged) == set(before)
        for name, value in merged.items():
            expected = _by_numpy(before[name].numpy(), [m[name].numpy() for m in members], 0.3, 1.0)
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7, err_msg=name)
            assert not torch.equal(value, before[name]), name
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_one_model_with_all_its_changes_is_that_model(trained, tmp_path):
    _, first, exports = trained
    merge(exports[:1], first, tmp_path / "one", density=1.0, weight=1.0)
    merge([exports[0], exports[0]], first, tmp_path / "twice", density=1.0, weight=1.0)
    for name, value in _weights(exports[0]).items():
        for folder in ("one", "twice"):
            torch.testing.assert_close(_weights(tmp_path / folder)[name], value, rtol=1e-6, atol=1e-7)


def test_the_merge_loads_as_any_export_and_the_command_writes_the_same(trained, tmp_path):
    from typer.testing import CliRunner

    _, first, exports = trained
    merge(exports, first, tmp_path / "out", density=0.2, weight=1.0)
    words = ["merge-models", str(tmp_path / "again"), *map(str, exports), "--start", str(first)]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert _weights(tmp_path / "out").keys() == _weights(tmp_path / "again").keys()
    for file in ("model.safetensors", LM_HEAD_FILE):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    record = json.loads((tmp_path / "out" / "merge.json").read_text())
    assert (record["density"], record["start"]) == (0.2, first.as_posix())
    digests = {e.as_posix(): hashlib.sha256((e / "model.safetensors").read_bytes()).hexdigest() for e in exports}
    assert record["models"] == digests
    card = (tmp_path / "out" / "README.md").read_text()
    assert all(f"| {model} | `{digest}` |" in card for model, digest in digests.items())
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(model.score.weight.detach(), _weights(tmp_path / "out")["score.weight"])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.pad_token_id == model.config.pad_token_id and tokenizer.chat_template


def test_models_that_do_not_fit_are_refused_and_leave_nothing(trained, tmp_path):
    base, first, exports = trained
    with pytest.raises(Problem, match="not the export of a reward model"):
        merge([exports[0], base], first, tmp_path / "out", density=0.2, weight=1.0)
    other = shutil.copytree(exports[1], tmp_path / "other")
    save_file(
        {**load_file(other / "model.safetensors"), "score.weight": torch.zeros(1, 8)}, other / "model.safetensors"
    )
    with pytest.raises(Problem, match=r"other: its weight score\.weight is missing or is not as in"):
        merge([exports[0], other], first, tmp_path / "out", density=0.2, weight=1.0)
    with pytest.raises(Problem, match=r"--density: 1\.5 is not in"):
        merge(exports, first, tmp_path / "out", density=1.5, weight=1.0)
    assert list(tmp_path.iterdir()) == [other]
