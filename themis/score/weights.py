"""Weights asked for by the names they are stored under: one that is missing, misshapen or left over is an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import AutoModel, PreTrainedModel

from themis.devices import placed
from themis.errors import Problem
from themis.score.checkpoint import check_dtype, first_line, weight_files

_WHICH = "is this the checkpoint the family asks for?"


class Weights:
    """The weights of a checkpoint folder, or of the files given; it remembers which were asked for.

    Raises Problem where the folder has no safetensors or a file can't be read.
    """

    def __init__(self, folder: Path, files: Sequence[Path] | None = None) -> None:
        self.folder = Path(folder)
        self._file: dict[str, Path] = {}
        self._asked: set[str] = set()
        for file in weight_files(folder) if files is None else files:
            with _opened(file) as stream:
                self._file |= dict.fromkeys(stream.keys(), file)

    def names(self, beginning: str = "") -> list[str]:
        """The names that begin so, sorted."""
        return sorted(name for name in self._file if name.startswith(beginning))

    def __contains__(self, name: str) -> bool:
        return name in self._file

    def read(self, name: str) -> torch.Tensor:
        """A weight as it is stored. Raises Problem where there is none of that name."""
        with _opened(self._of(name)) as stream:
            return stream.get_tensor(name)

    def read_row(self, name: str, row: int) -> torch.Tensor:
        """One row of a weight as it is stored, [1, columns]."""
        with _opened(self._of(name)) as stream:
            return stream.get_slice(name)[row : row + 1]

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight."""
        with _opened(self._of(name)) as stream:
            return tuple(stream.get_slice(name).get_shape())

    def fill(self, module: nn.Module, beginning: str) -> None:
        """Give a module all its weights, stored as `beginning` and the name they have in it."""
        fill(module, lambda name: self.read(beginning + name), self.folder, beginning)

    def close(self, *spare: str) -> None:
        """Raise Problem where a weight is left that nothing asked for, but for those that begin as `spare` does."""
        left = [name for name in self.names() if name not in self._asked and not name.startswith(spare)]
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            raise Problem(f"{self.folder}: unexpected weights: {', '.join(left[:3])}{more}; {_WHICH}")

    def _of(self, name: str) -> Path:
        if name not in self._file:
            raise Problem(f"{self.folder}: missing weights: {name}; {_WHICH}")
        self._asked.add(name)
        return self._file[name]


def load_backbone(folder: Path, config: Any, read: Callable[[str], torch.Tensor], dtype: str) -> PreTrainedModel:
    """The model without a head that `config` describes, its weights read by the names they have in it.

    In evaluation mode, where `themis.devices` puts it. Raises Problem where transformers knows none, or as `fill` does.
    """
    from accelerate import init_empty_weights

    check_dtype(dtype)
    try:
        with init_empty_weights(include_buffers=False):
            backbone = AutoModel.from_config(config, dtype=getattr(torch, dtype), trust_remote_code=False)
    except (ValueError, KeyError, RuntimeError) as error:
        raise Problem(f"{folder}: not a model transformers can build: {first_line(error)}") from None
    fill(backbone, read, folder)
    return placed(backbone)


def fill(module: nn.Module, read: Callable[[str], torch.Tensor], folder: Path, beginning: str = "") -> None:
    """Give a module its weights, each in the type it has there. Raises Problem where one has another shape."""
    values = {}
    for name, wanted in module.state_dict(keep_vars=True).items():
        value = read(name)
        if value.shape != wanted.shape:
            shapes = f"{list(value.shape)}, not {list(wanted.shape)}"
            raise Problem(f"{folder}: mismatched weights: {beginning}{name} is {shapes}; {_WHICH}")
        values[name] = value.to(wanted.dtype)
    module.load_state_dict(values, assign=True)
    module.requires_grad_(False)


def _opened(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt")
    except (OSError, SafetensorError) as error:
        raise Problem(f"{file}: can't be read: {first_line(error)}") from None
