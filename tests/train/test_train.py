"""A whole stage on a tiny model: what it trains, how it is stopped and goes on, what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from themis import records
from themis.errors import Problem
from themis.train import checkpoint, loop
from themis.train.train import train


@pytest.fixture(scope="module")
def stage(tmp_path_factory, make_base, make_preferences, make_options):
    """A base, nine pairs (steps of 4, 4 and 1, twice) and a finished run to compare with."""
    folder = tmp_path_factory.mktemp("stage")
    base = make_base(folder / "base")
    preferences = make_preferences(folder / "code.parquet", 9)
    options = make_options(folder / "straight", preferences, base)
    assert train(options)
    return options


def _outputs(options):
    files = [path for path in sorted(options.export.rglob("*")) if path.is_file()]
    return {path.name: path.read_bytes() for path in [*files, options.metrics, options.ledger]}


def _option(name, value):
    """A value of the options as the command line has it."""
    name = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, tuple):
        return [word for one in value for word in (f"--{name.removesuffix('s')}", one)]
    return [f"--{name}", str(value)]


def _again(make_options, stage, folder, **changes):
    return make_options(folder, stage.preferences, stage.base, **changes)


def _weights(options):
    return load_file(options.export / "model.safetensors")


def _stop_at(monkeypatch, step, act):
    """Do `act` in the middle of a step."""
    real = loop.learning_rate
    monkeypatch.setattr(
        loop, "learning_rate", lambda s, *a, **k: (act() if s + 1 == step else None, real(s, *a, **k))[1]
    )


def test_stopped_and_resumed_ends_in_the_same_bytes(stage, make_options, tmp_path, monkeypatch):
    options = _again(make_options, stage, tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        _stop_at(patch, 3, lambda: signal.raise_signal(signal.SIGTERM))
        assert train(options) is False
    assert signal.getsignal(signal.SIGTERM) is before
    assert not options.export.exists() and not options.metrics.exists()
    assert {path.name for path in options.checkpoints.glob("step-*")} == {"step-2", "step-3"}
    assert train(options)
    assert _outputs(options) == _outputs(stage)
    assert [path.name for path in options.checkpoints.iterdir()] == [".lock"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "description"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(stage, make_options, tmp_path, monkeypatch, damage):
    options = _again(make_options, stage, tmp_path)
    with monkeypatch.context() as patch:
        _stop_at(patch, 5, lambda: signal.raise_signal(signal.SIGUSR1))
        assert train(options) is False
    last = options.checkpoints / "step-5"
    state = bytearray((last / "state.safetensors").read_bytes())
    if damage == "flipped":
        state[-7] ^= 1
        (last / "state.safetensors").write_bytes(state)
    elif damage == "cut":
        (last / "state.safetensors").write_bytes(state[:-100])
    else:
        (last / "state.json").write_text('{"step": 5')
    fingerprint = json.loads((options.checkpoints / "step-4" / "state.json").read_text())["fingerprint"]
    assert checkpoint.newest(options.checkpoints, fingerprint).step == 4
    assert train(options)
    assert _outputs(options) == _outputs(stage)


def test_killed_while_it_saves(stage, make_options, tmp_path, monkeypatch):
    options = _again(make_options, stage, tmp_path)

    def die(path, shapes, tensors):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    def save_then_die(*args, **kwargs):
        monkeypatch.setattr(checkpoint, "write_float32", die if kwargs["step"] == 4 else write)
        save(*args, **kwargs)

    save, write = checkpoint.save, checkpoint.write_float32
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "save", save_then_die)
        train(options)
    monkeypatch.setattr(checkpoint, "write_float32", write)
    assert {path.name for path in options.checkpoints.iterdir()} >= {"step-2", ".step-4.part"}
    assert train(options)
    assert _outputs(options) == _outputs(stage)


def test_a_checkpoint_of_other_settings_is_not_used(stage, make_options, tmp_path, monkeypatch):
    other = _again(make_options, stage, tmp_path, learning_rate=2e-2)
    with monkeypatch.context() as patch:
        _stop_at(patch, 3, lambda: signal.raise_signal(signal.SIGTERM))
        assert train(other) is False
    options = _again(make_options, stage, tmp_path)
    assert train(options)
    assert _outputs(options) == _outputs(stage)


def test_neither_micro_batches_nor_row_order_matter(stage, make_options, tmp_path):
    shuffled = tmp_path / "shuffled.parquet"
    table = records.read(stage.preferences, "preferences")
    records.write(table.take(list(reversed(range(table.num_rows)))), shuffled, "preferences")
    options = make_options(tmp_path, shuffled, stage.base, batch_tokens=80, checkpoint_every=100)
    assert train(options)
    torch.testing.assert_close(_weights(options), _weights(stage), rtol=1e-3, atol=1e-4)


def test_two_processes_learn_what_one_does(stage, make_options, tmp_path):
    options = _again(make_options, stage, tmp_path, processes=2)
    paths = {"preferences", "export"}
    given = {name: value for name, value in vars(options).items() if name not in paths and value is not None}
    words = [word for name, value in given.items() for word in _option(name, value)]
    environment = {k: v for k, v in os.environ.items() if k != "RANK"}
    done = subprocess.run(
        [sys.executable, "-c", "from themis.cli import main; main()", "train", options.preferences, options.export, *words],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "over 2 processes" in done.stderr
    torch.testing.assert_close(_weights(options), _weights(stage), rtol=1e-3, atol=1e-4)
    assert options.ledger.read_bytes() == stage.ledger.read_bytes()
    ours, theirs = (records.read(path, "metrics")["value"].to_pylist() for path in (options.metrics, stage.metrics))
    assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_all_that_is_trained_changes_and_what_is_frozen_does_not(
    tmp_path, make_base, make_preferences, make_options, tied
):
    base = make_base(tmp_path / "base", "qwen3", tied=tied)
    preferences = make_preferences(tmp_path / "code.parquet", 9)
    options = make_options(tmp_path, preferences, base, frozen_layers=2, epochs=1, magnitude="absolute")
    assert train(options)
    before, after = load_file(base / "model.safetensors"), _weights(options)
    if not tied:
        after.update(load_file(options.export / "lm_head" / "lm_head.safetensors"))
    changed = {name for name, value in after.items() if name in before and not torch.equal(value, before[name])}
    frozen = {name for name in before if name.startswith(("model.embed", "model.layers.0.", "model.layers.1."))}
    assert changed == set(before) - frozen
    assert after["score.weight"].abs().min() > 0


def test_frozen_layers_keep_no_graph(tmp_path, make_base):
    from themis.prompting import packing
    from themis.prompting.chat import Chat
    from themis.train.model import RewardModel

    base = make_base(tmp_path / "base")
    from transformers import AutoModelForCausalLM

    model = RewardModel(AutoModelForCausalLM.from_pretrained(base))
    model.freeze(2, with_lm=True)
    graphs = []
    for layer in model.layers:
        layer.register_forward_hook(lambda module, inputs, output: graphs.append(output.requires_grad))
    chat = Chat.load(base)
    model(packing.collate([packing.pack(chat, None, "a", "b", "c")]))
    assert graphs == [False, False, True]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"frozen_layers": 4}, "the model has 3 layers"),
        ({"max_tokens": 20}, "no pair to train on"),
        ({"base": Path("nowhere")}, "no config.json"),
        ({"warmup": 1.4}, "--warmup: 1.4 is not in"),
        ({"preferences": Path("nowhere.parquet")}, "no such file"),
    ],
)
def test_bad_input_is_said_in_one_line_and_leaves_nothing(stage, make_options, tmp_path, change, said):
    with pytest.raises(Problem, match=said) as problem:
        train(make_options(tmp_path, **{"preferences": stage.preferences, "base": stage.base, **change}))
    assert "\n" not in str(problem.value)
    assert not (tmp_path / "export").exists()
    assert not torch.distributed.is_initialized()
    shutil.rmtree(tmp_path)
