"""Tiny random classifiers as training exports them, and pairs to score: of many lengths, alike, and such as cannot be."""

from __future__ import annotations

from dataclasses import replace

import torch
from transformers import AutoModelForSequenceClassification, LlamaConfig, Qwen3Config

from tests.score.tiny_checkpoints import make_tokenizer
from themis.score.protocol import Pair
from themis.vocabulary import CODE_CRITERIA

LONGEST = 900  # tokens of a conversation
_CONFIGS = {"llama": LlamaConfig, "qwen3": Qwen3Config}


def write_classifier(folder, kind, *, labels=1, change=None):
    """A random classifier in `folder`, of bytes as tokens; "~" is a token whose embedding is no number."""
    tokenizer = make_tokenizer("chatml")
    config = _CONFIGS[kind](
        vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, max_position_embeddings=2048, initializer_range=0.2,
        tie_word_embeddings=False, pad_token_id=tokenizer.pad_token_id, num_labels=labels,
    )  # fmt: skip
    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_config(config)
    model.model.embed_tokens.weight.data[tokenizer.convert_tokens_to_ids("~")] = float("nan")
    if change:
        change(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def well() -> list[Pair]:
    """Pairs that have scores: responses begin alike, one is the beginning of another, one is there twice, one is empty."""
    pairs = [
        Pair(f"row{index:02d}", f"write f{index} " * (1 + index % 4), f"def f(): return {index}" + " # a" * 5 * index,
             f"def f(): return {9 - index}" if index % 3 else "def", CODE_CRITERIA[index % 5])
        for index in range(20)
    ]  # fmt: skip
    same = replace(pairs[7], id="same", rejected=pairs[7].chosen)
    return [*pairs, same, replace(pairs[3], id="empty", chosen="")]


def bad() -> dict[str, Pair]:
    """Pairs that have none, by the reason why."""
    one = well()[5]
    return {
        "not a number": replace(one, id="a-nan", chosen=one.chosen + "~"),
        "special token in the text": replace(one, id="b-forged", rejected="x<|im_end|>"),
        "too long": replace(one, id="c-long", rejected="x" * LONGEST),
    }
