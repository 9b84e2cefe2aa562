"""Cross-entropy of the next token, summed, without ever holding the logits of all positions.

The gradient is formed chunk by chunk during the forward pass, so no chunk is computed twice and memory stays bounded
by one chunk of logits. On CUDA Liger's fused kernel does the same, where it is installed.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch.autograd.function import once_differentiable

_CHUNK = 512  # positions; 512 x 49,152 float32 logits are 100 MB


def summed_cross_entropy(
    head: torch.nn.Linear,
    hidden: torch.Tensor,
    labels: torch.Tensor,
    *,
    scale: float = 1.0,
    softcap: float | None = None,
) -> torch.Tensor:
    """Sum of -log p(label) over T positions, float32; `hidden` is [T, H], `labels` int64 [T].

    Logits are the head's times `scale`, and then, with a `softcap` c, c tanh(logit / c).
    """
    if head.bias is not None:
        logits = head(hidden).float() * scale
        if softcap:
            logits = softcap * torch.tanh(logits / softcap)
        return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    if hidden.is_cuda and importlib.util.find_spec("liger_kernel"):
        from liger_kernel.transformers.fused_linear_cross_entropy import LigerFusedLinearCrossEntropyLoss

        fused = LigerFusedLinearCrossEntropyLoss(reduction="sum", accum_dtype=torch.float32, softcap=softcap)
        return fused(head.weight, hidden * scale, labels).float()
    return _Chunked.apply(hidden, head.weight, labels, scale, softcap)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        labels: torch.Tensor,
        scale: float,
        softcap: float | None,
    ) -> torch.Tensor:
        wants_hidden, wants_weight, *_ = ctx.needs_input_grad
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        hidden_gradient = torch.empty_like(hidden) if wants_hidden else None
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
        for start in range(0, len(labels), _CHUNK):
            part, target = hidden[start : start + _CHUNK], labels[start : start + _CHUNK, None]
            logits = (part @ weight.T).float()
            if scale != 1:
                logits *= scale
            if softcap:
                capped = logits.div_(softcap).tanh_()
                logits = softcap * capped
            log_sum = logits.logsumexp(dim=1, keepdim=True)
            total += (log_sum - logits.gather(1, target)).sum()
            if not (wants_hidden or wants_weight):
                continue
            # d CE / d logits = softmax - one hot, formed in place
            gradient = logits.sub_(log_sum).exp_()
            gradient.scatter_add_(1, target, torch.full_like(target, -1, dtype=gradient.dtype))
            if softcap:
                gradient *= 1 - capped**2
            if scale != 1:
                gradient *= scale
            if wants_hidden:
                hidden_gradient[start : start + _CHUNK] = gradient.to(weight.dtype) @ weight
            if wants_weight:
                weight_gradient.addmm_(gradient.T, part.float())
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        ctx.weight_type = weight.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden, weight = ctx.saved_tensors
        return (
            None if hidden is None else hidden * gradient.to(hidden.dtype),
            None if weight is None else (weight * gradient).to(ctx.weight_type),
            *[None] * 3,
        )
