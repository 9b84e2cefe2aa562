"""AdamW, with weight decay on matrices only and a rate of its own for the reward head."""

from __future__ import annotations

import torch

from themis.train.model import RewardModel


def build(model: RewardModel, *, weight_decay: float, betas: tuple[float, float], epsilon: float) -> torch.optim.AdamW:
    """AdamW over what the model trains, in three groups: matrices (with decay), vectors, the reward head.

    Rates are set before every step by `set_rate`.
    """
    named = dict(model.trained)
    head = named.pop("head.weight")
    groups = [
        {"params": [p for p in named.values() if p.ndim >= 2], "weight_decay": weight_decay, "role": "matrices"},
        {"params": [p for p in named.values() if p.ndim < 2], "weight_decay": 0.0, "role": "vectors"},
        {"params": [head], "weight_decay": 0.0, "role": "head"},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=epsilon, fused=True)


def set_rate(optimizer: torch.optim.AdamW, rate: float, head_ratio: float) -> None:
    """Set the rate of the next step; the head's is `head_ratio` times that of the rest."""
    for group in optimizer.param_groups:
        group["lr"] = rate * head_ratio if group["role"] == "head" else rate


def clip(model: RewardModel, norm: float) -> float:
    """Scale the gradient down to `norm` at most; return the norm it had, over all parameters and processes."""
    found = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], norm)
    return float(found.full_tensor())
