"""Liger's kernels for the decoder on GPUs: norms, rotary positions and gated layers. The losses are `cross_entropy`'s."""

from __future__ import annotations

import importlib.util
import inspect
import sys

from torch import nn

from themis.train.parallel import Agreed

_PARTS = ("rope", "rms_norm", "layer_norm", "swiglu", "geglu", "relu_squared")
_LOSSES = ("cross_entropy", "fused_linear_cross_entropy")


def fuse(lm: nn.Module, *, tell: bool = False) -> list[str]:
    """Have a language model computed by Liger's kernels; what they compute, nothing where Liger does not know its type.

    Replaces functions of transformers in the whole process. Raises Agreed where liger-kernel is not installed.
    """
    if importlib.util.find_spec("liger_kernel") is None:
        raise Agreed("liger-kernel is not installed, and on GPUs the decoder runs on it: pip install liger-kernel")
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN

    fused = []
    if apply := MODEL_TYPE_TO_APPLY_LIGER_FN.get(lm.config.model_type):
        known = inspect.signature(apply).parameters
        # By default it leaves out what it has no kernel for in this family.
        fused = [name for name in _PARTS if name in known and known[name].default]
        apply(model=lm, **{name: False for name in _LOSSES if name in known})
    if tell:
        print(f"Liger kernels: {', '.join(fused) or f'none for {lm.config.model_type}'}", file=sys.stderr)
    return fused
