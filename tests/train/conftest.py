"""Tiny random models with a byte-level tokenizer, and preference tables, as the tests of training need them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + END }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def make_base() -> Callable[..., Path]:
    """Write a random causal LM and a tokenizer: kind llama | qwen3, tied or not, chats ending in a newline or in eos."""

    def make(folder: Path, kind: str = "llama", *, tied: bool = True, ends_in_eos: bool = False) -> Path:
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        vocabulary = {token: i for i, token in enumerate([*special, *letters])}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, unk_token=special[0], bos_token=special[1], eos_token=special[2],
            pad_token=special[2], chat_template=_TEMPLATE.replace("END", "''" if ends_in_eos else r"'\n'"),
        )  # fmt: skip
        fast.save_pretrained(folder)
        config, model = (LlamaConfig, LlamaForCausalLM) if kind == "llama" else (Qwen3Config, Qwen3ForCausalLM)
        torch.manual_seed(len(str(folder.name)))
        lm = model(
            config(
                vocab_size=len(vocabulary), hidden_size=32, intermediate_size=48, num_hidden_layers=3,
                num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=512,
                initializer_range=0.2, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=2, pad_token_id=2,
            )
        )  # fmt: skip
        lm.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def make_preferences() -> Callable[..., Path]:
    """Write a preference table of short pairs of different lengths; `extra` rows (idx, system, input, chosen, rejected)."""

    def make(path: Path, pairs: int = 10, extra: tuple[tuple[str | None, ...], ...] = ()) -> Path:
        from themis import records

        rows = [
            (f"row{i:02}", None if i % 3 else "Be brief.", f"Write {i}", "ret " + "ab" * (i % 5 + 1), "ret " + "c" * (9 - i % 7))
            for i in range(pairs)
        ] + list(extra)  # fmt: skip
        idx, system, prompt, chosen, rejected = zip(*rows, strict=True)
        fixed = {"language": "Python", "aspect": "security_hardness", "source": "test"}
        table = pa.table(
            {
                "system": pa.array(system, pa.string()), "input": prompt, "chosen": chosen, "rejected": rejected,
                "idx": idx, **{name: [value] * len(rows) for name, value in fixed.items()},
            }
        )  # fmt: skip
        records.write(table, path, "preferences")
        return path

    return make


@pytest.fixture(scope="session")
def make_options() -> Callable[..., object]:
    """Options of a stage that lies in `folder`; six steps of four pairs unless told otherwise."""

    def make(folder: Path, preferences: Path, base: Path, **changes: object) -> object:
        from themis.train.options import Options

        values = {
            "preferences": preferences, "export": folder / "export", "base": base,
            "checkpoints": folder / "checkpoints", "metrics": folder / "metrics.parquet",
            "ledger": folder / "ledger.parquet", "name": "tiny", "stage": "preference", "epochs": 2, "batch_pairs": 4,
            "learning_rate": 1e-2, "final_learning_rate": 1e-3, "head_learning_rate": None, "warmup": 0.2, "clip": 1.5,
            "weight_decay": 0.1, "lm_weight": 0.25, "magnitude_weight": 0.01, "magnitude": "centering",
            "max_tokens": 400, "batch_tokens": 400, "frozen_layers": 0, "checkpoint_every": 2, "processes": 1,
            "threads": 1, "seed": 7, "precision": "float32",
        }  # fmt: skip
        return Options(**{**values, **changes})

    return make
