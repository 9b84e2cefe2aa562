"""Remove what a stage made: its files below results/ and the logs of its steps, never anything outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from themis.errors import Problem
from themis.upkeep.sizes import size
from themis.upkeep.stages import STAGES, disk_of, files_of
from themis.upkeep.steps import run_going_on

_CACHE = "cache"


def clean(
    folder: Path,
    stages: Sequence[str],
    *,
    after: bool = False,
    cache: bool = False,
    say: Callable[[str], None] = print,
    agree: Callable[[str], bool] = lambda question: True,
) -> int:
    """Remove the files of the stages (`after`: and of all later ones) below results/ in a working folder; returns how
    many.

    Says what each stage has before it asks `agree`, and removes nothing where that says no. Answers of models so far
    (results/cache) stay unless `cache`: with them a stage is made again without asking twice. A link is removed, not
    what it leads to. Raises Problem for an unknown stage, for no results/, and while a run goes on in the folder.
    """
    results = Path(folder) / "results"
    wanted = _wanted(stages, after)
    if not results.is_dir():
        raise Problem(
            f"{results}: no such folder; go to the folder that Snakemake is called in, or name it with --folder"
        )
    if process := run_going_on(Path(folder)):
        raise Problem(f"{folder}: a run goes on here (process {process}); stop it first, or wait for its end")
    kept = () if cache else (results / _CACHE,)
    found: dict[str, list[Path]] = {name: [] for name in wanted}
    for path, stage in files_of(results):
        if stage in found and path.parent not in kept:
            found[stage].append(path)
    for name, paths in found.items():
        say(f"{name}: {len(paths)} files, {size(sum(map(disk_of, paths)))}")
    doomed = [path for paths in found.values() for path in paths]
    if not doomed or not agree(f"Remove {len(doomed)} files below {results}?"):
        return 0
    for path in doomed:
        path.unlink(missing_ok=True)
    _remove_empty(results, {path.parent for path in doomed})
    return len(doomed)


def _wanted(stages: Sequence[str], after: bool) -> list[str]:
    names = [stage.name for stage in STAGES]
    for name in stages:
        if name not in names:
            raise Problem(f"{name}: no such stage; the stages are {', '.join(names)}")
    first = min(map(names.index, stages))
    return names[first:] if after else [name for name in names if name in stages]


def _remove_empty(results: Path, folders: set[Path]) -> None:
    """Remove the folders that are empty now, and those above them, up to results/."""
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        while folder != results and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
