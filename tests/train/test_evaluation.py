"""Pairs held out: never trained on, measured as the exported classifier would, and what is kept of the best moment."""

from __future__ import annotations

import math
import signal

import numpy as np
import pytest
import torch

from tests.train.processes import together
from themis import records
from themis.errors import Problem
from themis.train import best, loop, parallel
from themis.train.evaluation import length_controlled
from themis.train.schedule import learning_rate
from themis.train.train import train


@pytest.fixture(scope="module")
def stage(tmp_path_factory, make_base, make_preferences, make_options):
    """A finished run of six steps on part of 18 pairs, measured after the fourth and the last on the others."""
    folder = tmp_path_factory.mktemp("evaluated")
    base = make_base(folder / "base")
    preferences = make_preferences(folder / "code.parquet", 18)
    options = make_options(folder / "run", preferences, base, held_out=0.4, evaluate_every=4, head_learning_rate=5e-2)
    assert train(options)
    return options


def again(make_options, stage, folder, **changes):
    values = {"held_out": 0.4, "evaluate_every": 4, "head_learning_rate": 5e-2} | changes
    return make_options(folder, values.pop("preferences", stage.preferences), stage.base, **values)


def measured(options):
    found = {}
    for row in records.read(options.metrics, "metrics").to_pylist():
        found.setdefault(row["step"], {})[row["metric"]] = row["value"]
    return found


def held_out_rows(options):
    return [
        row for row in records.read(options.preferences, "preferences").to_pylist()
        if options.selection.holds_out(row["idx"])
    ]  # fmt: skip


def test_what_is_held_out_is_counted_and_never_trained_on(stage, make_options, tmp_path):
    held = [row["idx"] for row in held_out_rows(stage)]
    assert 3 <= len(held) <= 14
    (told,) = records.read(stage.ledger, "attrition").to_pylist()
    assert (told["rows_in"], told["rows_kept"], told["rows_dropped"]) == (18, 18 - len(held), len(held))
    assert told["reason"] == "held out"
    table = records.read(stage.preferences, "preferences")
    changed = [
        row | ({"chosen": "else", "rejected": "what", "input": "?"} if row["idx"] in held else {})
        for row in reversed(table.to_pylist())
    ]
    records.write(type(table).from_pylist(changed, table.schema), tmp_path / "code.parquet", "preferences")
    other = again(make_options, stage, tmp_path, preferences=tmp_path / "code.parquet", evaluate_every=1)
    assert train(other)
    assert (other.export / "model.safetensors").read_bytes() == (stage.export / "model.safetensors").read_bytes()


def test_the_numbers_are_those_of_the_exported_classifier(stage):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    from themis.prompting.chat import Chat

    chat, model = Chat.load(stage.export), AutoModelForSequenceClassification.from_pretrained(stage.export)
    lm = AutoModelForCausalLM.from_pretrained(stage.export)
    rewards, sizes, language = [], [], []
    for row in held_out_rows(stage):
        sides = [chat.conversation(row["system"], row["input"], row[side]) for side in ("chosen", "rejected")]
        prompt = len(chat.prompt(row["system"], row["input"]))
        with torch.no_grad():
            rewards.append([model(torch.tensor([ids])).logits.item() for ids in sides])
            logits = lm(torch.tensor(sides[0])[None]).logits[0, prompt - 1 : -1].log_softmax(dim=1)
        language += [-logits[i, token].item() for i, token in enumerate(sides[0][prompt:])]
        sizes.append([len(ids) for ids in sides])
    (chosen, rejected), (longer, shorter) = np.array(rewards).T, np.array(sizes).T
    won = (chosen > rejected) + 0.5 * (chosen == rejected)
    expected = {
        "bt": np.log1p(np.exp(rejected - chosen)).mean(),
        "lm": np.mean(language),
        "magnitude": ((chosen + rejected) ** 2).mean(),
        "accuracy": won.mean(),
        "margin": (chosen - rejected).mean(),
        "length_controlled_accuracy": (won[longer > shorter].mean() + won[longer < shorter].mean()) / 2,
    }
    expected["loss"] = expected["bt"] + 0.25 * expected["lm"] + 0.01 * expected["magnitude"]
    row = measured(stage)[6]
    assert {name: row[f"held_out_{name}"] for name in expected} == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert measured(stage)[None] == {"exported_step": 6, "held_out_pairs": len(rewards)}
    assert [step for step, row in measured(stage).items() if "held_out_loss" in row] == [4, 6]


def test_neither_the_cut_nor_the_processes_matter(stage, make_options, tmp_path):
    cut = again(make_options, stage, tmp_path / "cut", batch_tokens=90, share_prefix=False)
    assert train(cut)
    two = again(make_options, stage, tmp_path / "two", processes=2)
    assert together(two) == [0, 0]
    for other in (cut, two):
        for step in (4, 6):
            ours, theirs = measured(other)[step], measured(stage)[step]
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)


def test_length_buys_nothing_where_it_is_controlled():
    sizes = np.array([[5, 3], [9, 3], [8, 2], [3, 5], [4, 4]])
    by_length = (sizes[:, 0], sizes[:, 1])
    assert length_controlled(*by_length, *sizes.T) == 0.5
    assert length_controlled(-by_length[0], -by_length[1], *sizes.T) == 0.5
    assert length_controlled(np.zeros(5), np.zeros(5), *sizes.T) == 0.5
    assert length_controlled(np.array([1, 1, 0, 1, 0]), np.array([0, 0, 1, 1, 1]), *sizes.T) == (2 / 3 + 0.5) / 2
    assert length_controlled(*by_length, sizes[:, 0], sizes[:, 0]) is None
    assert length_controlled(np.ones(3), np.zeros(3), *sizes[:3].T) is None


SCRIPT = [(0.2, 1.0), (0.8, 0.9), (0.9, 0.7), (0.9, 0.5), (0.9, 0.5), (0.1, 0.1)]  # accuracy and loss; 4 is the best


@pytest.fixture
def scripted(monkeypatch):
    """Evaluations come out as the script says; the weights of every step are kept to compare with."""
    seen = {}

    def evaluate(options, model, group, pairs):
        step = evaluate.step = evaluate.step + 1
        seen[step] = {name: parallel.whole(p).clone() for name, p in model.named_parameters()}
        accuracy, loss = SCRIPT[step - 1]
        return {"held_out_accuracy": accuracy, "held_out_loss": loss}

    evaluate.step = 0
    monkeypatch.setattr(loop, "evaluate", evaluate)
    return evaluate, seen


def asks_to_stop(step):
    """The learning rate, and a request to stop in the middle of a step."""

    def rate(at, *rest, **named):
        if at + 1 == step:
            signal.raise_signal(signal.SIGTERM)
        return learning_rate(at, *rest, **named)

    return rate


def exported(options):
    from safetensors.torch import load_file

    return load_file(options.export / "model.safetensors")


def best_files(options):
    return sorted(path.name.split(".")[0] for path in options.checkpoints.glob("best-*"))


def test_the_best_weights_are_exported_after_whatever_interruptions(
    stage, make_options, tmp_path, monkeypatch, scripted
):
    evaluate, seen = scripted
    whole = again(make_options, stage, tmp_path / "whole", keep_best=True, evaluate_every=1)
    assert train(whole)
    ours, theirs = exported(whole), seen[4]
    assert torch.equal(ours["score.weight"], theirs["head.weight"])
    assert torch.equal(ours["model.layers.2.mlp.up_proj.weight"], theirs["lm.model.layers.2.mlp.up_proj.weight"])
    assert measured(whole)[None]["exported_step"] == 4
    assert [path.name for path in whole.checkpoints.iterdir()] == [".lock"]

    options = again(make_options, stage, tmp_path / "stopped", keep_best=True, evaluate_every=1)
    evaluate.step = 0
    for stop, kept in ((3, ["best-2", "best-3"]), (5, ["best-4"])):
        with monkeypatch.context() as patch:
            patch.setattr(loop, "learning_rate", asks_to_stop(stop))
            assert train(options) is False
        assert best_files(options) == kept  # step 2 as well: the checkpoint before the last may be gone back to
    assert train(options)
    for name in ("metrics", "ledger"):
        assert getattr(options, name).read_bytes() == getattr(whole, name).read_bytes()
    assert (options.export / "model.safetensors").read_bytes() == (whole.export / "model.safetensors").read_bytes()


@pytest.mark.parametrize("damage", ["half", "flipped", "gone"])
def test_weights_that_did_not_survive_are_not_exported(stage, make_options, tmp_path, monkeypatch, scripted, damage):
    evaluate, _ = scripted
    options = again(make_options, stage, tmp_path, keep_best=True, evaluate_every=1)
    real = best.write_float32

    def dies(path, shapes, tensors):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(best, "write_float32", lambda path, *rest: (dies if "best-4" in path.name else real)(path, *rest))
        train(options)
    assert best_files(options) == ["best-2", "best-3"]
    evaluate.step = 2
    if damage == "half":
        assert train(options)
        assert measured(options)[None]["exported_step"] == 4
        return
    (path,) = options.checkpoints.glob("best-2.*")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data) if damage == "flipped" else path.unlink()
    with pytest.raises(Problem, match="the best weights so far, of step 2, are missing or damaged"):
        train(options)


@pytest.mark.parametrize("share, said", [(1e-9, "is 0 to measure and 18 to train on"), (1.0, "is 18 to measure and 0")])
def test_a_share_that_leaves_nothing_is_said(stage, make_options, tmp_path, share, said):
    with pytest.raises(Problem, match=f"--held-out: {share} of 18 pairs {said}"):
        train(again(make_options, stage, tmp_path, held_out=share))


def test_a_loss_on_held_out_pairs_that_is_no_number_stops_the_run(stage, make_options, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "evaluate", lambda *_: {"held_out_loss": math.inf, "held_out_accuracy": 0.5})
    with pytest.raises(Problem, match=r"^step 4 of preference: the held out loss is inf"):
        train(again(make_options, stage, tmp_path))
