"""A language model's folder: strictly loaded, and named by the digest of what is in it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from themis.errors import Problem
from themis.records import file_digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def weight_files(folder: Path) -> list[Path]:
    """The weights of a checkpoint folder, by name."""
    return sorted(Path(folder).glob("*.safetensors"))


def fingerprint(folder: Path) -> str:
    """A digest of a folder's weights, configuration, tokenizer and chat template."""
    files = sorted([*weight_files(folder), *Path(folder).glob("*.json"), *Path(folder).glob("*.jinja")])
    stats = [(file, file.stat()) for file in files]
    lines = "".join(f"{file.name} {_digest(file, stat.st_size, stat.st_mtime_ns)}\n" for file, stat in stats)
    return hashlib.sha256(lines.encode()).hexdigest()[:32]


@lru_cache(maxsize=1024)
def _digest(file: Path, size: int, changed: int) -> str:
    """The digest of a file, read once a process as long as it stays what it is."""
    return file_digest(file)


def check_language_model(folder: Path, dtype: str) -> None:
    """Raise Problem where the folder holds no checkpoint with safetensors, or nothing computes in `dtype`."""
    if not (Path(folder) / "config.json").is_file() or not weight_files(folder):
        raise Problem(f"{folder}: no language model here (config.json and *.safetensors); run themis prepare-model")
    if dtype not in ("float32", "bfloat16"):
        raise Problem(f"dtype {dtype} is neither float32 nor bfloat16")


def load_causal(folder: Path, dtype: str) -> PreTrainedModel:
    """The causal language model in a folder, in `dtype`, on the GPU where there is one.

    Raises Problem where the folder holds none, or where a weight is missing and would be random.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from themis.devices import placed

    check_language_model(folder, dtype)
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        said = " ".join(str(error).split())[:160]
        raise Problem(f"{folder}: not a language model that can be loaded: {said}") from None
    if info["missing_keys"] or info["mismatched_keys"]:
        names = sorted([*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])])
        raise Problem(
            f"{folder}: {len(names)} weights are missing or misshapen, first {names[0]}; fetch the model anew"
        )
    return placed(model)
