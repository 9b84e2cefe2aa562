"""Tiny random models and benchmarks, built in process."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    MistralConfig,
    NemotronConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from tests.score import run_folders
from themis.records import SCHEMAS, write
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA

_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_CONFIGS = {"llama": LlamaConfig, "qwen3": Qwen3Config, "mistral": MistralConfig, "nemotron": NemotronConfig}


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer():
    """Bytes as tokens, ChatML as template; the padding token is also what ends a turn."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*_SPECIAL, *alphabet])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token=_SPECIAL[0],
        bos_token=_SPECIAL[1],
        eos_token=_SPECIAL[2],
        pad_token=_SPECIAL[2],
    )
    made.chat_template = _TEMPLATE
    return made


@pytest.fixture
def make_folder(tmp_path, tokenizer):
    """Write a random checkpoint: a sequence classifier, or with `causal` a language model."""

    def make(kind="llama", *, causal=False, labels=1, name="model", change=None, **settings):
        config = _CONFIGS[kind](
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=2048,
            initializer_range=0.3,  # large enough for attention to matter
            tie_word_embeddings=False,
            pad_token_id=tokenizer.pad_token_id,
            **settings,
        )
        torch.manual_seed(5)
        if causal:
            model = AutoModelForCausalLM.from_config(config)
        else:
            config.num_labels = labels
            model = AutoModelForSequenceClassification.from_config(config)
        if change:
            change(model)
        folder = tmp_path / name
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture
def pairs():
    """Pairs of many lengths; responses begin alike, and one is the beginning of another."""
    return [
        Pair(f"row{index:02d}", f"write f{index} " * (1 + index % 4), f"def f(): return {index}" + " # a" * index,
             f"def f(): return {9 - index}" if index % 3 else "def", CODE_CRITERIA[index % 5])
        for index in range(9)
    ]  # fmt: skip


@pytest.fixture
def write_benchmark(tmp_path):
    """Write pairs as a benchmark table."""

    def make(pairs, name="tiny"):
        columns = {
            "id": [pair.id for pair in pairs],
            "prompt": [pair.prompt for pair in pairs],
            "chosen": [pair.chosen for pair in pairs],
            "rejected": [pair.rejected for pair in pairs],
            "aspect": [str(pair.criterion) for pair in pairs],
            "language": ["Python"] * len(pairs),
            "subset": ["MADE_UP"] * len(pairs),
        }
        path = tmp_path / f"{name}.parquet"
        write(pa.table(columns, schema=SCHEMAS["benchmark"]), path, "benchmark")
        return path

    return make


@pytest.fixture
def source(tmp_path):
    """Three sound runs in three files of two forms."""
    for seed, (name, form) in enumerate(zip(run_folders.SOUND, ("parquet", "csv", "parquet"), strict=True)):
        run_folders.put(tmp_path / "runs" / name, run_folders.pairs(seed), form)
    return tmp_path / "runs"
