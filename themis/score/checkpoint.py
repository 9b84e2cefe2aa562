"""A checkpoint folder read strictly: safetensors only, and every weight is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.errors import Problem

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

DTYPES = ("float32", "bfloat16")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, sorted. Raises Problem where there are none."""
    folder = Path(folder)
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if index.is_file():
        try:
            files = sorted({folder / Path(name).name for name in json.loads(index.read_text())["weight_map"].values()})
        except (ValueError, KeyError, AttributeError, TypeError):
            raise Problem(f"{index}: not an index of weights") from None
        for file in files:
            if not file.is_file():
                raise Problem(f"{file}: no such file, but {index.name} names it")
        return files
    raise Problem(f"{folder}: no model.safetensors here; is it a checkpoint folder?")


def load_config(folder: Path) -> Any:
    """The configuration of a checkpoint. Raises Problem where it can't be read without running foreign code."""
    from transformers import AutoConfig

    if not (Path(folder) / "config.json").is_file():
        raise Problem(f"{folder}: no config.json here; is it a checkpoint folder?")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"{folder}: its config.json can't be used: {_first_line(error)}") from None


def load_model(auto_class: Any, folder: Path, config: Any, dtype: str) -> PreTrainedModel:
    """The model of a checkpoint in evaluation mode, on a GPU if there is one.

    Raises Problem where a weight is missing or unexpected, so that nothing is ever scored with a random one.
    """
    import torch
    from safetensors import SafetensorError
    from transformers.utils import logging

    if dtype not in DTYPES:
        raise Problem(f"dtype {dtype} is none of {', '.join(DTYPES)}")
    weight_files(folder)
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what transformers warns about is said below, in one line
    try:
        model, info = auto_class.from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise Problem(f"{folder}: its weights can't be loaded: {_first_line(error)}") from None
    finally:
        logging.set_verbosity(verbosity)
    for kind in ("missing", "unexpected", "mismatched"):
        if names := sorted(str(name) for name in info[f"{kind}_keys"]):
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise Problem(
                f"{folder}: {kind} weights for {type(model).__name__}: {', '.join(names[:3])}{more}; "
                "is this the checkpoint the family asks for?"
            )
    return model.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")


def read_weight(folder: Path, name: str) -> torch.Tensor:
    """One weight in float32, as precise as it was stored."""
    from safetensors import safe_open

    for file in weight_files(folder):
        with safe_open(file, framework="pt") as stream:
            if name in stream.keys():  # noqa: SIM118 - not a mapping
                return stream.get_tensor(name).float()
    raise Problem(f"{folder}: no weight {name}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
