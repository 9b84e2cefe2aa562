"""The disk and memory that a study takes, estimated from its caps and models, and whether the machine has them."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from themis.disk import writing
from themis.errors import Problem
from themis.registry import reference_model
from themis.study import Study, recipes
from themis.upkeep.sizes import size
from themis.upkeep.stages import disk_of, files_of

# A pair's texts: 3.08 GB for the paper's 354,010 (tests/benchmarks/bench_assemble.py). Parquet packs them to less.
_PAIR = 3.08e9 / 354_010
_COPIES = (
    3  # a set's pairs lie in the collections, in the set and in its export; a commit's in three tables of contents
)
_COMMITS = 3_000_000  # of the public data set that were merged (paper, figure 1)
_SETS = {"code": 354_010, "general": 110_717}  # pairs that the paper makes of them (section 4.1)
_BYTES = {"float32": 4, "bfloat16": 2}
_STATE = 12  # bytes a parameter of a resumable checkpoint: weights and two moments of AdamW, float32
_EXPORTED = 4
_REST = 200e6  # figures, pages, logs, tables: 40 MB in the demo's run
_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([BbMm])(?![A-Za-z0-9])")
# The demo's run holds 3.6 GB where it trains (its benchmark file), and under 0.5 GB where runs are only imported.
_MEMORY, _MEMORY_IMPORTING = 4.0, 1.0


@dataclass(frozen=True)
class Need:
    """Bytes of disk that a part of a study takes at most, and how they are counted; None where that is not known."""

    what: str
    bytes: float | None
    how: str


def disk_needs(study: Study) -> list[Need]:
    """What a study's run takes below results/ at its fullest, part by part.

    Weights: parameters times bytes, with the parameters that the registry has or the model's name says. Training: what is
    exported of every run, and the checkpoints of the largest. Texts: pairs times 8.7 kB, three times over; pairs by the
    study's caps or, where it mines the public data set, the paper's counts. What cannot be told has None.
    """
    return [*_weights(study), *_training(study), *_texts(study), Need("all else", _REST, "as the demo's, with room")]


def disk_at_start(study: Study) -> float:
    """Bytes that must be free before a run: the setting, or all that is known of `disk_needs`."""
    if study.machine.free_disk_gb is not None:
        return study.machine.free_disk_gb * 1e9
    return sum(need.bytes or 0 for need in disk_needs(study))


def memory_at_start(study: Study) -> float:
    """Bytes of memory that must be free before a run on this machine: the setting, or 4 GB (1 GB to import only)."""
    said = study.machine.free_memory_gb
    importing = study.published_runs is not None and not study.score.models
    return (said if said is not None else _MEMORY_IMPORTING if importing else _MEMORY) * 1e9


def check_machine(folder: Path, disk: float, memory: float) -> None:
    """Raises Problem where results/ in a working folder may not be written to, where its disk has less free than `disk`
    bytes, less what results/ holds already, or where less than `memory` bytes of memory are free."""
    results = Path(folder) / "results"
    there = next(path for path in (results, *results.absolute().parents) if path.exists())
    with writing(results), tempfile.TemporaryFile(dir=there):
        pass
    held = sum(disk_of(path) for path, _ in files_of(results))
    free = shutil.disk_usage(there).free
    if free < disk - held:
        raise Problem(
            f"{results}: {size(free)} of disk are free and the study needs {size(disk - held)} (themis estimate says for "
            "what); free some, put results/ on a larger disk, or lower machine.free_disk_gb in the study"
        )
    if (left := _free_memory()) < memory:
        raise Problem(
            f"{size(left)} of memory are free and the study needs {size(memory)}; end other programs, take a larger "
            "machine, or lower machine.free_memory_gb in the study"
        )


def _weights(study: Study) -> Iterator[Need]:
    for name, model in study.language_models.items():
        if model.backend != "openai":
            count = _parameters(model.hub or model.file or model.path or "")
            # A GGUF file is made float32; what the hub has is mostly of two bytes a number.
            yield _need(f"language model {name}", count, _BYTES["float32"] if model.file else _BYTES["bfloat16"])
    for model in study.score.models:
        if model.hub:
            billions = reference_model(model.name).size
            count = billions * 1e9 if billions else _parameters(model.hub)
            yield _need(f"reward model {model.name}", count, _BYTES["bfloat16"])


def _training(study: Study) -> Iterator[Need]:
    planned = [] if study.published_runs and not study.score.models else recipes.runs(recipes.resolve(study.train))
    counts = {run: _base_parameters(study, run) for run in planned}
    for run, count in counts.items():
        yield _need(f"trained {run.model}, {run.name}", count, _EXPORTED)
    known = [count for count in counts.values() if count]
    kept = study.train.keep_checkpoints + 1  # one more while it is written
    if known:
        yield Need("checkpoints", max(known) * _STATE * kept, f"{kept} of the largest, {_STATE} bytes a parameter")


def _texts(study: Study) -> Iterator[Need]:
    public = study.mine.warehouse == "bigquery"
    if public:
        yield Need("contents", _COMMITS * _PAIR * _COPIES, f"{_COMMITS:,} commits, {_COPIES} times")
    for name, paper in _SETS.items():
        cap = getattr(study.preferences, f"max_{name}_pairs")
        pairs = cap if cap is not None else paper if public else None
        how = "the study sets no cap" if pairs is None else f"{pairs:,} pairs, {_COPIES} times"
        yield Need(f"{name} set", None if pairs is None else pairs * _PAIR * _COPIES, how)


def _need(what: str, count: float | None, width: int) -> Need:
    if count is None:
        return Need(what, None, "parameters not known")
    return Need(what, count * width, f"{count / 1e9:g} billion parameters, {width} bytes each")


def _base_parameters(study: Study, run: recipes.Run) -> float | None:
    start = run.start
    while not isinstance(start, str):
        start = start.start
    model = study.language_models[start]
    return _parameters(model.hub or model.file or model.path or "")


def _parameters(name: str) -> float | None:
    """Parameters by the number in a model's name, such as 8B or 135M; None where it has none."""
    found = _IN_NAME.search(name)
    return float(found[1]) * (1e9 if found[2] in "Bb" else 1e6) if found else None


def _free_memory() -> float:
    """Bytes of memory that are free, within the limit of a container where there is one (cgroup v2)."""
    free = float(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (group / "memory.max").read_text().strip(), (group / "memory.current").read_text()
        return free if limit == "max" else min(free, float(limit) - float(used))
    except (OSError, ValueError):
        return free
