"""InternLM2 reward models: their weights under Llama's names, in which they compute the same.

One matrix holds queries, keys and values: for each key head its query heads, then key and value. Formula and names:
reference, sections 1.9 and 3.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig

from themis.errors import Problem
from themis.score.checkpoint import read_settings
from themis.score.head_scorer import HeadScorer
from themis.score.heads import LastState
from themis.score.options import ScorerOptions
from themis.score.scalar.networks import one_reward, stored_linear
from themis.score.weights import Weights, load_backbone

_RENAMED = {
    "embed_tokens": "tok_embeddings",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}
_SAME = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "hidden_act", "max_position_embeddings", "rms_norm_eps",
)  # fmt: skip


def load(options: ScorerOptions) -> HeadScorer:
    """The scorer of a checkpoint folder; every conversation ends with the configuration's reward token.

    Raises Problem where the configuration is no InternLM2's, and as `Weights` and `load_backbone` do.
    """
    folder, weights = options.folder, Weights(options.folder)
    settings = _settings(folder)
    config = _llama(folder, settings)
    network = one_reward(stored_linear(weights, "v_head", config.hidden_size, bias=False), folder)

    def read(name: str) -> torch.Tensor:
        part = re.fullmatch(r"layers\.(\d+)\.self_attn\.([qkv])_proj\.weight", name)
        if part:
            whole = weights.read(f"model.layers.{part[1]}.attention.wqkv.weight")
            return split(whole, config.num_attention_heads, config.num_key_value_heads)[part[2]]
        for ours, theirs in _RENAMED.items():
            name = name.replace(f"{ours}.weight", f"{theirs}.weight")
        return weights.read(f"model.{name}")

    backbone = load_backbone(folder, config, read, options.dtype)
    weights.close()
    head = LastState(network, suffix=(int(settings["reward_token_id"]),))
    return HeadScorer(backbone, head, options, kind="internlm")


def split(wqkv: torch.Tensor, heads: int, key_heads: int) -> dict[str, torch.Tensor]:
    """The matrices of queries, keys and values, [heads x D, hidden], of the one that holds all.

    Raises ValueError where its rows do not divide into that many heads.
    """
    groups = heads // key_heads
    width, rest = divmod(wqkv.shape[0], key_heads * (groups + 2))
    if rest:
        raise ValueError(f"{wqkv.shape[0]} rows are no multiple of {key_heads} x {groups + 2}")
    parts = wqkv.unflatten(0, (key_heads, groups + 2, width))
    chosen = {"q": parts[:, :groups], "k": parts[:, -2:-1], "v": parts[:, -1:]}
    return {name: part.flatten(0, 2) for name, part in chosen.items()}


def _settings(folder: Path) -> dict[str, Any]:
    file, settings = folder / "config.json", read_settings(folder)
    if (kind := settings.get("model_type")) != "internlm2":
        raise Problem(f"{file}: model type {kind} is not internlm2; name the family of this model")
    for name in (*_SAME, "reward_token_id"):
        if settings.get(name) is None:
            raise Problem(f"{file}: it has no {name}")
    return settings


def _llama(folder: Path, settings: dict[str, Any]) -> LlamaConfig:
    scaling = settings.get("rope_scaling")
    # A dynamic scaling changes nothing up to the context, which bounds what is scored.
    if scaling and scaling.get("type", scaling.get("rope_type")) not in ("dynamic", "default"):
        raise Problem(f"{folder}: rope scaling {scaling} is not known for this family")
    return LlamaConfig(
        **{name: settings[name] for name in _SAME},
        rope_parameters={"rope_type": "default", "rope_theta": float(settings.get("rope_theta", 10_000.0))},
        tie_word_embeddings=False,
        pad_token_id=None,
    )
