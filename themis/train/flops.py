"""Model FLOPs of a pair in training, and the rate of a matrix product on this machine: what MFU is made of."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from themis.train.data import TokenizedPairs
    from themis.train.model import RewardModel

_FORWARD, _BACKWARD = 2, 4  # per weight and token: a product and a sum; twice that for two gradients
_MEASURED = 0.5  # seconds
_SIZE = {"cpu": 1024, "cuda": 8192}


def pair_flops(model: RewardModel, pairs: TokenizedPairs, *, share_prefix: bool, with_lm: bool) -> np.ndarray:
    """FLOPs that one training step needs for each pair, float64 [pairs], as the PaLM paper counts them (appendix B).

    6 per matrix weight and token, and 12 per head dimension, head and visible pair of positions in every layer. Unlike
    there, frozen layers count forward only, the language-model head at completion tokens, and of the experts those a
    token goes through. Neither padding nor recomputed activations count.
    """
    config = model.lm.config
    matrices = _matrices(model.lm.base_model, config)
    head = model.lm.get_output_embeddings().weight
    heads = config.num_attention_heads
    width = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)
    trained = sum(any(p.requires_grad for p in layer.parameters()) for layer in model.layers)
    attention = 2 * width * (_FORWARD * len(model.layers) + _BACKWARD * trained)

    tokens = np.asarray(pairs.lengths(share_prefix), dtype=np.float64)
    flops = matrices * tokens + attention * _visible(pairs, share_prefix)
    if with_lm:  # its input always wants a gradient; a frozen head's weight does not
        flops += head.numel() * (_FORWARD + _BACKWARD / (1 if head.requires_grad else 2)) * pairs.completions
    return flops


@cache
def peak_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a square matrix product in `dtype` on the device, the best of half a second; measured once a process."""
    size = _SIZE.get(device.type, 1024)
    # Not all the same number: GPUs draw less power on such data, and go faster.
    left = right = torch.linspace(-1, 1, size * size, device=device).reshape(size, size).to(dtype)
    best = float("inf")
    end = time.perf_counter() + _MEASURED  # others may want the processor: a few products can all be slow
    while best == float("inf") or time.perf_counter() < end:
        _wait(device)
        began = time.perf_counter()
        left @ right
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def _matrices(backbone: nn.Module, config: object) -> float:
    """FLOPs per token of all products with a weight matrix of the backbone."""
    flops = 0.0
    for module in backbone.modules():
        if isinstance(module, nn.Embedding):
            continue
        for weight in module.parameters(recurse=False):
            if weight.ndim < 2:
                continue
            # Stacked experts have a dimension of their own.
            share = getattr(config, "num_experts_per_tok", 1) / weight.shape[0] if weight.ndim > 2 else 1
            flops += weight.numel() * share * (_FORWARD + (_BACKWARD if weight.requires_grad else 0))
    return flops


def _visible(pairs: TokenizedPairs, share_prefix: bool) -> np.ndarray:
    """Pairs of positions of which the later one sees the earlier one or itself."""
    shared, chosen, rejected = (
        length.astype(np.float64) * (length.astype(np.float64) + 1) / 2
        for length in (pairs.shared, pairs.chosen, pairs.rejected)
    )
    return chosen + rejected - (shared if share_prefix else 0)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
