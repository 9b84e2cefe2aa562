"""Which GPUs a model takes, and that a model spread over several devices computes what it does on one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from accelerate import dispatch_model
from transformers import LlamaConfig, LlamaModel

from themis import devices
from themis.errors import Problem
from themis.prompting.packing import pack_ids
from themis.score.forward import can_pack, states_at


@pytest.fixture
def backbone():
    torch.manual_seed(3)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaModel(LlamaConfig(vocab_size=97, num_hidden_layers=6, **shape)).eval()


def test_blocks_are_shared_out_whole_and_evenly(backbone):
    size = sum(part.numel() * part.element_size() for part in backbone.parameters())
    found = devices.device_map(backbone, {0: size, 2: size})
    blocks = [found[f"layers.{block}"] for block in range(6)]
    assert set(blocks) == {0, 2}
    assert blocks == sorted(blocks)
    assert 2 <= blocks.count(0) <= 4
    assert found["embed_tokens"] == 0


def test_a_model_without_room_is_refused_and_goes_to_no_disk(backbone):
    size = sum(part.numel() * part.element_size() for part in backbone.parameters())
    with pytest.raises(Problem, match=r"LlamaModel: the 2 GPUs here have room for .* GiB of weights, and .* is over"):
        devices.device_map(backbone, {0: size // 4, 1: size // 4})


def test_a_spread_model_computes_the_same_packed_states(backbone, tmp_path):
    # Without GPUs the second device is a folder, whose weights the same hooks bring in block by block.
    draw = np.random.default_rng(5)
    prompt, chosen, rejected = (draw.integers(1, 97, size).tolist() for size in (11, 7, 9))
    pairs = [pack_ids([*prompt, *chosen], [*prompt, *rejected], len(prompt))]
    ends = [((pairs[0].chosen - 1,), (pairs[0].rejected - 1,))]
    assert can_pack(backbone)
    alone = states_at(backbone, pairs, ends, packed=True).clone()
    places = {"embed_tokens": "cpu", "norm": "cpu", "rotary_emb": "cpu"}
    places |= {f"layers.{block}": "disk" if block > 2 else "cpu" for block in range(6)}
    parts = dispatch_model(backbone, places, main_device="cpu", offload_dir=tmp_path)
    assert parts.layers[5].mlp.up_proj.weight.device.type == "meta"
    assert torch.equal(states_at(parts, pairs, ends, packed=True), alone)


def test_a_process_takes_gpus_that_no_other_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(devices, "_held", [])
    held = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from themis.devices import claim\n"
        "print(claim(['a', 'b', 'c', 'd'], 2), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", held, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "[0, 1]\n"
        assert devices.claim(["a", "b", "c", "d"], 1) == [2]
        # One is left; the other has to be shared.
        assert devices.claim(["a", "b", "c", "d"], 2) == [0, 3]
        other.communicate("")
    devices._held.clear()
    assert devices.claim(["a", "b", "c", "d"], 3) == [0, 1, 2]


def test_without_gpus_a_model_stays_where_it_is(backbone):
    assert devices.placed(backbone.train()) is backbone
    assert not backbone.training
    assert not any(part.requires_grad for part in backbone.parameters())
    assert backbone.device.type == "cpu"
