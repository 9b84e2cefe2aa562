"""What the decoder computes in; weights, head and loss are float32 whatever it is."""

from __future__ import annotations

import torch


def resolve(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of `auto`, `float32` or `bfloat16`; auto: bfloat16 where the device multiplies it in hardware."""
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
