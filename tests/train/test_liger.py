"""Liger's kernels compute what torch does: shown on a CPU by Triton's interpreter, in a process of its own.

The process is this file itself, run as a script.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

INSTALLED = all(importlib.util.find_spec(name) for name in ("liger_kernel", "triton"))
# One with each kind of norm and gate that Liger has for families of the test beside this one, and one without its rotary.
FUSED = {
    "gemma2": ["rope", "rms_norm", "geglu"],
    "glm4": ["rms_norm", "swiglu"],
    "llama": ["rope", "rms_norm", "swiglu"],
}


@pytest.fixture(scope="module")
def measured():
    """What the process prints: what was fused, largest differences, and families of Liger that no test names."""
    if not INSTALLED:
        pytest.skip("liger-kernel or triton is not installed")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("softcap", ["none", "capped"])
def test_our_cross_entropy_and_its_gradient_are_those_of_the_fused_kernel(measured, softcap):
    assert measured["losses"][softcap] < 1e-4


def test_the_fused_decoder_gives_the_same_rewards_loss_and_gradient(measured):
    assert {kind: fused for kind, (fused, _) in measured["decoders"].items()} == FUSED
    assert all(difference < 1e-4 for _, difference in measured["decoders"].values()), measured["decoders"]


def test_every_language_model_of_liger_is_tried_as_a_family(measured):
    assert measured["untried"] == []


def test_on_gpus_liger_is_asked_for(monkeypatch):
    from themis.train import kernels
    from themis.train.parallel import Agreed

    monkeypatch.setattr(kernels.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Agreed, match="pip install liger-kernel"):
        kernels.fuse(None)


def _teach_the_interpreter() -> None:
    """Give it what a GPU has: scalars as float32 values, and two functions of the device's library."""
    import numpy as np
    import triton.language as tl
    from triton.language.extra import libdevice
    from triton.runtime import interpreter

    convert = interpreter._implicit_cvt

    def value(array: np.ndarray, kind: tl.dtype) -> tl.tensor:
        return tl.tensor(interpreter.TensorHandle(array, kind), kind)

    def convert_floats(given):
        return value(np.array([given], dtype=np.float32), tl.float32) if isinstance(given, float) else convert(given)

    def elementwise(function):
        def apply(given):
            result = function(given.handle.data).astype(given.handle.data.dtype)
            return tl.tensor(interpreter.TensorHandle(result, given.handle.dtype), given.type)

        return apply

    interpreter._implicit_cvt = convert_floats
    libdevice.rsqrt, libdevice.tanh = elementwise(lambda x: 1 / np.sqrt(x)), elementwise(np.tanh)


def _largest(ours, theirs) -> float:
    """Of several tensors, the largest difference as a share of the tensor's largest value."""
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(ours, theirs, strict=True))


def _losses() -> dict[str, float]:
    import torch
    from liger_kernel.transformers.fused_linear_cross_entropy import LigerFusedLinearCrossEntropyLoss

    from themis.train.cross_entropy import summed_cross_entropy

    found = {}
    for name, softcap in (("none", None), ("capped", 2.0)):
        torch.manual_seed(0)
        head = torch.nn.Linear(16, 50, bias=False)
        hidden, labels = 3 * torch.randn(11, 16), torch.randint(0, 50, (11,))
        hidden.requires_grad_()
        fused = LigerFusedLinearCrossEntropyLoss(reduction="sum", accum_dtype=torch.float32, softcap=softcap)
        both = []
        for loss in (summed_cross_entropy(head, hidden, labels, softcap=softcap), fused(head.weight, hidden, labels)):
            both.append((loss, *torch.autograd.grad(loss, [hidden, head.weight])))
        found[name] = _largest(*both)
    return found


def _decoder(kind: str, folder: Path) -> tuple[list[str], float]:
    import torch
    from test_families import TRAINED, loaded, write_family

    from themis.prompting import packing
    from themis.train import kernels

    pairs = [packing.pack_ids([5, 6, 7, 8], [5, 6, 9], 1), packing.pack_ids([10, 11], [12, 13, 14, 15], 1)]
    base = write_family(folder / kind, lambda path: None, kind, **TRAINED[kind])
    both, fused = [], []
    for with_kernels in (False, True):
        model = loaded(base)
        torch.manual_seed(0)
        torch.nn.init.normal_(model.head.weight)
        if with_kernels:
            fused = kernels.fuse(model.lm)
        rewards, token_loss = model(packing.collate(pairs))
        (rewards.square().sum() + token_loss).backward()
        both.append([rewards, token_loss, *(parameter.grad for parameter in model.parameters())])
    return fused, _largest(*both)


def _untried() -> list[str]:
    """Types with kernels whose text-only language model transformers has, but the test of the families has not."""
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN
    from test_families import REFUSED, TRAINED, UNTOLD
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING

    known = {name for name in MODEL_TYPE_TO_APPLY_LIGER_FN if name in CONFIG_MAPPING}
    causal = {name for name in known if CONFIG_MAPPING[name] in MODEL_FOR_CAUSAL_LM_MAPPING}
    multimodal = {name for name in causal if hasattr(CONFIG_MAPPING[name](), "text_config")}
    return sorted(causal - multimodal - {*TRAINED, *REFUSED, UNTOLD})


def main() -> None:
    """Print what `measured` returns as one line of JSON."""
    import tempfile

    _teach_the_interpreter()
    with tempfile.TemporaryDirectory() as folder:
        decoders = {kind: _decoder(kind, Path(folder)) for kind in FUSED}
    print(json.dumps({"losses": _losses(), "decoders": decoders, "untried": _untried()}))


if __name__ == "__main__":
    main()
