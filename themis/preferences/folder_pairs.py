"""Pairs of the code benchmark from a folder of public benchmarks: HumanEvalPack, DebugBench and NoFunEval as published."""

from __future__ import annotations

from pathlib import Path

from themis.preferences.benchmarks.candidate import Candidate
from themis.preferences.benchmarks.formats import FORMATS
from themis.preferences.benchmarks.source import Place, Source

_FOLDERS = ("humanevalpack", "debugbench", "nofuneval")


def folder_pairs(folder: Path) -> dict[str, list[Candidate]]:
    """All pairs of a folder with humanevalpack/, debugbench/ and nofuneval/, by subset, in the order of the files.

    The language is None where it is none of the eight; a row that is no pair says why. Raises Problem where a folder is
    missing or a file not what it should be.
    """
    found: dict[str, list[Candidate]] = {}
    for name in _FOLDERS:
        for candidate in Source(Place(Path(folder) / name), FORMATS[name]):
            found.setdefault(candidate.subset or name, []).append(candidate)
    return found
