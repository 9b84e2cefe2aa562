"""Pairs from the folder of Project CodeNet: solutions of one problem by one submitter, one far more efficient."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from themis.errors import Problem
from themis.preferences.collections.conversations import plain
from themis.preferences.collections.pair import NO_RESPONSE, Pair, dropped, language_named
from themis.preferences.collections.recipes import efficient_pairs
from themis.registry.collections import PublicCollection

NOT_FAR_APART = "no two solutions measured far enough apart"

_COLUMNS = ("submission_id", "user_id", "language", "filename_ext", "status", "cpu_time", "memory")
_COSTS = {"runtime_efficiency": "cpu_time", "memory_efficiency": "memory"}
_NAME = re.compile(r"[A-Za-z0-9_+#-]+")
_LARGEST = 1 << 20  # bytes of a program or a problem


def codenet_pairs(path: Path, line: PublicCollection, seed: int) -> Iterator[Pair]:
    """At most one pair for each problem, submitter, language and cost, problem by problem; only the chosen programs are
    read. Raises Problem where the folder is not that of the archive."""
    metadata = sorted((path / "metadata").glob("p*.csv"))
    if not metadata:
        raise Problem(f"{path}: no metadata/p*.csv in it; give the folder Project_CodeNet of the archive")
    for file in metadata:
        prompt = _statement(path / "problem_descriptions" / f"{file.stem}.html")
        for (user, spelt), tried in sorted(_accepted(file).items()):
            for aspect, cost in _COSTS.items():
                costs = [_number(one[cost]) for one in tried]
                key = f"{aspect}, {file.stem}, {user}, {spelt}"
                chosen = efficient_pairs(seed, key, costs, line.options["times"])
                if not chosen:
                    yield dropped(NOT_FAR_APART)
                for cheap, dear in chosen:
                    programs = [_program(path / "data" / file.stem / spelt, tried[at]) for at in (cheap, dear)]
                    if all(programs):
                        yield Pair(prompt, programs[0], programs[1], language_named(spelt), aspect, line.name)
                    else:
                        yield dropped(NO_RESPONSE)


def _accepted(file: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Accepted submissions by submitter and language, in the order of their ids."""
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                raise Problem(f"{file}: not the metadata of CodeNet; it has {', '.join(rows.fieldnames or ['none'])}")
            for row in rows:
                if row["status"] == "Accepted" and language_named(row["language"]) and _safe(row):
                    found[row["user_id"], row["language"]].append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Problem(f"{file}: not readable: {str(error).splitlines()[0][:120]}") from None
    return {key: sorted(rows, key=lambda row: row["submission_id"]) for key, rows in found.items()}


def _safe(row: dict[str, str]) -> bool:
    """Whether the parts of a program's place are plain names: a table must not lead out of its folder."""
    return all(_NAME.fullmatch(row[part] or "") for part in ("submission_id", "language", "filename_ext"))


def _program(folder: Path, row: dict[str, str]) -> str | None:
    return _read(folder / f"{row['submission_id']}.{row['filename_ext']}")


def _statement(file: Path) -> str | None:
    html = _read(file)
    return plain(html) or None if html else None


def _read(file: Path) -> str | None:
    try:
        if file.stat().st_size > _LARGEST:
            return None
        return file.read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
