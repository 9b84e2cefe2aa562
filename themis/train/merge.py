"""Merge reward models trained from one start by TIES: trim, elect signs, mean of those that agree (Yadav et al. 2023)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from themis import __version__, progress, records
from themis.errors import Problem
from themis.records.folders import put_in_place
from themis.train import card
from themis.train.export import copy_tokenizer
from themis.train.model import LM_HEAD_FILE, is_export, load_weights
from themis.train.tensors import write_float32

RECORD = "merge.json"  # of what, and how
_WEIGHTS = Path("model.safetensors")


def merge(exports: Sequence[Path], start: Path, out: Path, *, density: float, weight: float) -> None:
    """Write to `out` the export of the merge of `exports`, which all went on from `start`; an earlier one is replaced.

    `start` is an export, or the causal language model they began with, whose reward head is zero. Every tensor is merged
    by itself, the reward head and a separate language-model head too, so that no more than a few of the size of the
    largest are held (of a `start` that is a language model, all). Beside them lie a record of what was merged how and a
    card. Raises Problem where a weight is not in all of them.
    """
    if not 0 < density <= 1:
        raise Problem(f"--density: {density} is not in (0, 1]")
    part = out.with_name(f".{out.name}.part")
    with ExitStack() as stack:
        before = _Export(start, stack) if is_export(start) else _LanguageModel(start)
        members = [_Export(export, stack) for export in exports]
        shapes = members[0].shapes
        for member in (before, *members):
            if wrong := {n for n in shapes.keys() | member.shapes.keys() if member.shapes.get(n) != shapes.get(n)}:
                raise Problem(f"{member.folder}: its weight {min(wrong)} is missing or is not as in {exports[0]}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for file in (_WEIGHTS, LM_HEAD_FILE):
            own = {name: shape for name, shape in shapes.items() if members[0].files[name] == file}
            if own:
                (part / file).parent.mkdir(exist_ok=True)
                shown = progress.track(own, f"merge {file.stem}", total=len(own), unit="tensor")
                write_float32(part / file, own, _merged(shown, before, members, density=density, weight=weight))
    shutil.copyfile(exports[0] / "config.json", part / "config.json")
    copy_tokenizer(exports[0], part)
    record = {
        "version": __version__,
        "method": "TIES",
        "density": density,
        "weight": weight,
        "start": start.as_posix(),
        "models": {export.as_posix(): records.file_digest(export / _WEIGHTS) for export in exports},
    }
    (part / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (part / card.CARD).write_text(card.merged(record), encoding="utf-8")
    put_in_place(part, out)


def ties(
    start: torch.Tensor, changes: Sequence[Callable[[], torch.Tensor]], *, density: float, weight: float
) -> torch.Tensor:
    """`start` plus `weight` times the TIES merge of `changes`: functions that each return a float32 tensor of its shape.

    Of each change the round(density x size) entries (at least one) of the largest magnitude count, and those as large as
    the least of them. Each entry's sign is that of their sum (an entry that cancels out stays as it was); the mean is over
    the changes whose entry has this sign. A change is asked for twice and not kept. The original trims all weights of a
    model against each other; one tensor at a time, as merging tools do it, needs no more than that tensor.
    """
    total = torch.zeros_like(start)
    least = []
    for change in changes:
        delta = change()
        least.append(_least_kept(delta, density))
        total += _trimmed(delta, least[-1])
    sign = total.sign_()
    merged, count = torch.zeros_like(start), torch.zeros_like(start)
    for change, limit in zip(changes, least, strict=True):
        delta = _trimmed(change(), limit)
        agrees = (delta.sign() == sign) & (delta != 0)
        merged += torch.where(agrees, delta, 0)
        count += agrees
    return start + weight * merged / count.clamp_(min=1)


class _Export:
    """The weights of an export, read when they are asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        from safetensors import SafetensorError, safe_open

        self.folder = folder
        self.files: dict[str, Path] = {}
        self.shapes: dict[str, list[int]] = {}
        self._streams = {}
        if not is_export(folder):
            raise Problem(f"{folder}: not the export of a reward model")
        for file in (_WEIGHTS, LM_HEAD_FILE):
            if file == LM_HEAD_FILE and not (folder / file).is_file():
                continue
            try:
                self._streams[file] = stack.enter_context(safe_open(folder / file, framework="pt"))
            except (OSError, SafetensorError) as error:
                raise Problem(f"{folder / file}: {error}") from None
            for name in self._streams[file].keys():  # noqa: SIM118, a stream is no mapping
                self.files[name] = file
                self.shapes[name] = self._streams[file].get_slice(name).get_shape()

    def read(self, name: str) -> torch.Tensor:
        """A weight in float32."""
        return self._streams[self.files[name]].get_tensor(name).float()


class _LanguageModel:
    """The weights of a causal language model and a reward head of zeros, under the names of its export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        weights = load_weights(folder)
        self._weights = {name.removeprefix("lm."): value for name, value in weights.items()}
        self._weights["score.weight"] = self._weights.pop("head.weight")
        self.shapes = {name: list(value.shape) for name, value in self._weights.items()}

    def read(self, name: str) -> torch.Tensor:
        """A weight in float32."""
        return self._weights[name]


def _merged(
    names: Iterable[str], before: _Export | _LanguageModel, members: list[_Export], *, density: float, weight: float
) -> Iterator[torch.Tensor]:
    for name in names:
        start = before.read(name)
        changes = [lambda member=member, name=name, start=start: member.read(name) - start for member in members]
        yield ties(start, changes, density=density, weight=weight)


def _least_kept(delta: torch.Tensor, density: float) -> float:
    """The least magnitude among the entries of a change that count."""
    magnitudes = delta.abs().flatten().numpy()
    below = magnitudes.size - max(1, round(density * magnitudes.size))
    magnitudes.partition(below)
    return float(magnitudes[below])


def _trimmed(delta: torch.Tensor, least: float) -> torch.Tensor:
    return torch.where(delta.abs() >= least, delta, 0)
