"""A checkpoint folder read strictly: safetensors only, and every weight is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.errors import Problem

if TYPE_CHECKING:
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


def read_settings(folder: Path) -> dict[str, Any]:
    """What a checkpoint's config.json says, word for word. Raises Problem where there is none."""
    file = Path(folder) / "config.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = None
    if not isinstance(settings, dict):
        raise Problem(f"{file}: no configuration; is it a checkpoint folder?")
    return settings


def load_config(folder: Path) -> Any:
    """The configuration of a checkpoint. Raises Problem where it can't be read without running foreign code."""
    from transformers import AutoConfig

    if not (Path(folder) / "config.json").is_file():
        raise Problem(f"{folder}: no config.json here; is it a checkpoint folder?")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"{folder}: its config.json can't be used: {first_line(error)}") from None


def load_model(auto_class: Any, folder: Path, config: Any, dtype: str) -> PreTrainedModel:
    """The model of a checkpoint in evaluation mode, on a GPU if there is one.

    Raises Problem where a weight is missing or unexpected, so that nothing is ever scored with a random one.
    """
    import torch
    from safetensors import SafetensorError
    from transformers.utils import logging

    from themis.devices import placed

    check_dtype(dtype)
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
        raise Problem(f"{folder}: its weights can't be loaded: {first_line(error)}") from None
    finally:
        logging.set_verbosity(verbosity)
    for kind in ("missing", "unexpected", "mismatched"):
        if names := sorted(str(name) for name in info[f"{kind}_keys"]):
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise Problem(
                f"{folder}: {kind} weights for {type(model).__name__}: {', '.join(names[:3])}{more}; "
                "is this the checkpoint the family asks for?"
            )
    return placed(model)


def check_dtype(dtype: str) -> None:
    """Raise Problem where nothing computes in a type of that name."""
    if dtype not in DTYPES:
        raise Problem(f"dtype {dtype} is none of {', '.join(DTYPES)}")


def first_line(error: Exception) -> str:
    """What an error says first."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
