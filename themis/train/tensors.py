"""Write a safetensors file one tensor at a time, so that a large model never lies in memory twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch


def write_float32(path: Path, shapes: Mapping[str, Sequence[int]], tensors: Iterable[torch.Tensor]) -> str:
    """Write float32 tensors in the order of `shapes` to `path`; return the file's SHA-256.

    `tensors` is drawn from one at a time. Raises ValueError where a tensor is not as announced.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in shapes.items():
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for head in (len(text).to_bytes(8, "little"), text):
            stream.write(head)
            digest.update(head)
        for (name, shape), tensor in zip(shapes.items(), tensors, strict=True):
            if tensor.dtype != torch.float32 or list(tensor.shape) != list(shape):
                raise ValueError(f"{path}: {name} is {tensor.dtype} {list(tensor.shape)}, not float32 {list(shape)}")
            data = memoryview(tensor.contiguous().reshape(-1).numpy()).cast("B") if tensor.numel() else b""
            stream.write(data)
            digest.update(data)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()
