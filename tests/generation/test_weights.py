"""A prepared model is a plain, loadable folder; whatever is wrong with its source is said in one line."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from themis.errors import Problem
from themis.generation.checkpoint import fingerprint
from themis.generation.weights import prepare


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.fixture
def package(tmp_path, monkeypatch, tokenizer):
    """A Python package that carries a tiny Llama as GGUF and must not be imported; returns the token embedding in it."""
    import gguf

    folder = tmp_path / "site" / "carrier_of_weights"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    random = np.random.default_rng(0)
    tokens = [*sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get), "ab"]
    hidden, inner, heads, groups = 32, 64, 4, 2

    def weight(*shape):
        return random.standard_normal(shape).astype(np.float32) * 0.3

    writer = gguf.GGUFWriter(folder / "tiny.gguf", "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(hidden)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(tokenizer.chat_template)
    embedding = weight(len(tokens), hidden)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", weight(len(tokens), hidden))
    writer.add_tensor("output_norm.weight", np.ones(hidden, np.float32))
    for name, shape in {
        "attn_q": (hidden, hidden),
        "attn_k": (hidden // heads * groups, hidden),
        "attn_v": (hidden // heads * groups, hidden),
        "attn_output": (hidden, hidden),
        "ffn_gate": (inner, hidden),
        "ffn_up": (inner, hidden),
        "ffn_down": (hidden, inner),
    }.items():
        writer.add_tensor(f"blk.0.{name}.weight", weight(*shape))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(hidden, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    monkeypatch.syspath_prepend(str(folder.parent))
    return embedding


def test_a_packaged_gguf_becomes_the_same_plain_folder_each_time(tmp_path, package):
    for name in ("one", "two"):
        prepare(tmp_path / name, package="carrier_of_weights", file="tiny.gguf")
    assert "carrier_of_weights" not in sys.modules
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(digests(tmp_path / "one"))
    for file in (tmp_path / "one").glob("*.json"):
        assert str(tmp_path) not in file.read_text()
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "one")
    assert model.dtype == torch.float32
    assert np.array_equal(model.get_input_embeddings().weight.detach().numpy(), package)
    assert AutoTokenizer.from_pretrained(tmp_path / "one").chat_template


def test_a_folder_is_copied_without_code_and_pickles(tmp_path, llama):
    source = shutil.copytree(llama, tmp_path / "source")
    (source / "modeling_evil.py").write_text("raise SystemExit\n")
    (source / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    prepare(tmp_path / "out", path=source)
    expected = digests(llama)
    assert digests(tmp_path / "out") == expected
    assert fingerprint(tmp_path / "out") == fingerprint(llama)
    prepare(tmp_path / "out", path=source)  # again, in place of the first
    assert digests(tmp_path / "out") == expected
    config = tmp_path / "out" / "config.json"
    config.write_text(config.read_text() + " ")
    assert fingerprint(tmp_path / "out") != fingerprint(llama)


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _without(*patterns):
    def change(folder):
        for pattern in patterns:
            for file in folder.glob(pattern):
                file.unlink()

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_pickled, "only pickled weights"),
        (_without("*.safetensors"), "no weights"),
        (_without("config.json"), "no config.json"),
        (_without("tokenizer*"), "no tokenizer"),
        (_without("chat_template.jinja"), "no chat template"),
    ],
)
def test_an_incomplete_folder_is_refused_and_leaves_nothing(tmp_path, llama, change, message):
    source = shutil.copytree(llama, tmp_path / "source")
    change(source)
    with pytest.raises(Problem, match=message) as caught:
        prepare(tmp_path / "made" / "out", path=source)
    assert "\n" not in str(caught.value)
    assert ".part" not in str(caught.value)
    assert list((tmp_path / "made").iterdir()) == []


def test_what_is_not_there_is_named(tmp_path, package, monkeypatch):
    out = tmp_path / "out"
    cases = [
        ({"path": tmp_path / "nowhere"}, "no such folder"),
        ({"package": "no_such_package_x", "file": "a.gguf"}, "not installed"),
        ({"package": "../../etc", "file": "a.gguf"}, "not installed"),
        ({"package": "carrier_of_weights", "file": "other.gguf"}, "its GGUF files: tiny.gguf"),
        ({"package": "carrier_of_weights"}, "go together"),
        ({}, "exactly one"),
    ]
    for arguments, message in cases:
        with pytest.raises(Problem, match=message):
            prepare(out, **arguments)
    broken = tmp_path / "site" / "carrier_of_weights" / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(Problem, match="not a GGUF file"):
        prepare(out, package="carrier_of_weights", file="broken.gguf")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Problem, match="cannot be fetched from the hub"):
        prepare(out, hub="someone/some-model-that-is-not-here", revision="0" * 40)
    assert not out.exists()


def test_a_folder_of_something_else_is_not_replaced(tmp_path, llama):
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter1.txt").write_text("years of work")
    with pytest.raises(Problem, match="is no checkpoint"):
        prepare(precious, path=llama)
    assert (precious / "chapter1.txt").read_text() == "years of work"


def test_a_checkpoint_whose_configuration_was_taken_away_is_made_again(tmp_path, llama):
    """As Snakemake does where a run is killed before it has noted that the step was done."""
    out = tmp_path / "lm"
    prepare(out, path=llama)
    made = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "config.json").unlink()
    prepare(out, path=llama)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == made
    assert list(tmp_path.iterdir()) == [out]
    (out / "config.json").unlink()
    (out / "chapter1.txt").write_text("years of work")
    with pytest.raises(Problem, match="is no checkpoint"):
        prepare(out, path=llama)
