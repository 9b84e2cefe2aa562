"""The memory that scoring with a model takes, and how many GPUs have it; an estimate from its size alone."""

from __future__ import annotations

import math
from typing import Literal

_BYTES = {"float32": 4, "bfloat16": 2}
_GIB = float(1 << 30)
_RUNTIME = 1.0  # GiB: the library, its kernels and the allocator's waste
_WIDTHS_ALIVE = 20  # numbers a token that a layer holds at a time, in hidden widths: residual, attention, gated MLP
_USABLE = 0.9  # share of a GPU's memory


def memory_needed(size: float, dtype: Literal["float32", "bfloat16"], context: int) -> float:
    """GiB that a forward pass of `context` tokens through a model of `size` billion parameters takes: its weights, what a
    layer holds of the tokens, and the runtime's own."""
    weights = size * 1e9 * _BYTES[dtype]
    tokens = context * _width(size) * _WIDTHS_ALIVE * _BYTES[dtype]
    return (weights + tokens) / _GIB + _RUNTIME


def gpus_needed(gib: float, gib_per_gpu: float) -> int:
    """The least power of two of GPUs that have `gib` between them, each with `gib_per_gpu`."""
    return 1 << max(0, math.ceil(math.log2(gib / (_USABLE * gib_per_gpu))))


def _width(size: float) -> float:
    """The hidden width of a transformer of so many billion parameters: 12 widths squared a layer, a layer per 128 of
    width."""
    return (size * 1e9 * 128 / 12) ** (1 / 3)
