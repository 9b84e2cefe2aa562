"""However the work is cut among processes, the stage learns the same."""

from __future__ import annotations

import signal
from collections import Counter
from functools import partial

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.train.processes import STOPPED, before_step, die, together
from themis import records
from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train import parallel
from themis.train.model import RewardModel
from themis.train.train import train

_MEASURED = {"loss", "bt", "lm", "magnitude", "accuracy", "grad_norm", "lr"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory, make_base, make_preferences, make_options):
    """A stage that one process trained: steps of 4, 4 and 1 pairs, twice."""
    folder = tmp_path_factory.mktemp("alone")
    base = make_base(folder / "base", tied=False)
    options = make_options(folder, make_preferences(folder / "code.parquet", 9), base, learning_rate=2e-3)
    assert train(options)
    return options


@pytest.fixture
def again(alone, make_options, tmp_path):
    """The same stage in another folder, with changes; a forward pass takes one pair, not four."""
    inputs = {"preferences": alone.preferences, "base": alone.base, "learning_rate": alone.learning_rate}
    return lambda **changes: make_options(tmp_path, **inputs, batch_tokens=80, **changes)


def _learned(options):
    files = [options.export / "model.safetensors", options.export / "lm_head" / "lm_head.safetensors"]
    return {name: weight for file in files for name, weight in load_file(file).items()}


def _trace(options):
    rows = records.read(options.metrics, "metrics").to_pylist()
    return {(row["metric"], row["step"]): row["value"] for row in rows if row["metric"] in _MEASURED}


def _assert_same(ours, theirs):
    assert _trace(ours) == pytest.approx(_trace(theirs), rel=1e-5, abs=1e-5)
    torch.testing.assert_close(_learned(ours), _learned(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({}, "3 blocks over 2 processes (2 shards) on cpu, weights and gradients float32, compute float32"),
        ({"replicas": 2}, "over 2 processes (2 replicas x 1 shards)"),
        ({"activation_checkpointing": "on"}, "checkpointing on, offload off, compile off"),
    ],
)
def test_two_processes_learn_what_one_does(alone, again, changes, said, capsys):
    options = again(processes=2, **changes)
    assert together(options) == [0, 0]
    assert said in capsys.readouterr().err
    _assert_same(options, alone)


def test_any_number_of_processes_goes_on_from_a_checkpoint_and_one_that_is_asked_stops_all(alone, again):
    two, one, four = again(processes=2), again(), again(processes=4, replicas=2)
    assert together(two, partial(_ask, 1, 1, signal.SIGUSR1)) == [STOPPED, STOPPED]
    assert together(one, partial(_ask, 0, 4, signal.SIGTERM)) == [STOPPED]
    assert {path.name for path in one.checkpoints.glob("step-*")} == {"step-2", "step-4"}
    assert together(four, _must_not_start_over) == [0] * 4
    _assert_same(four, alone)


def test_as_many_checkpoints_stay_as_asked(again):
    options = again(checkpoint_every=1, keep_checkpoints=3)
    assert together(options, partial(_ask, 0, 5, signal.SIGTERM)) == [STOPPED]
    assert {path.name for path in options.checkpoints.glob("step-*")} == {"step-3", "step-4", "step-5"}


@pytest.mark.parametrize(
    "changes, said", [({"processes": 2}, "2 processes in all, but 1"), ({"replicas": 2}, "--replicas: 2")]
)
def test_processes_that_cannot_be_divided_so_are_refused(again, changes, said):
    with pytest.raises(Problem, match=said):
        train(again(**changes))


@pytest.mark.parametrize("setting, runs", [("off", [1, 1, 1]), ("on", [1, 2, 2])])
def test_checkpointed_blocks_run_again_in_the_backward_pass_but_frozen_ones_do_not(alone, setting, runs):
    model = RewardModel(AutoModelForCausalLM.from_pretrained(alone.base)).train()
    model.freeze(1, with_lm=True)
    seen = Counter()
    for block in model.layers:
        block.mlp.register_forward_pre_hook(lambda module, *_: seen.update([module]))
    with parallel.process_group(processes=1) as group:
        parallel.shard(model, group, compute=torch.float32, checkpointing=setting)
        rewards, _ = model(packing.collate([packing.pack(Chat.load(alone.base), None, "a", "b", "c")]))
        rewards.sum().backward()
    assert [seen[block.mlp] for block in model.layers] == runs


def test_compiled_blocks_learn_the_same(alone, again, monkeypatch):
    traced = []

    def backend(graph, inputs):
        traced.append(graph)
        return graph

    plain = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: plain(module, backend=backend))
    options = again(compile=True)
    assert train(options)
    assert traced
    _assert_same(options, alone)


def _ask(rank: int, step: int, number: signal.Signals, this: int) -> None:
    """Ask one process, while it does a step."""
    if this == rank:
        before_step(step, lambda: signal.raise_signal(number))


def _must_not_start_over(rank: int) -> None:
    before_step(1, die)
