"""Read the files of a run scored elsewhere: scores.parquet or scores.csv, and results.json where there is one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.score.findings import Findings
from themis.vocabulary import CRITERION_LABELS, LANGUAGES, NATURAL_LANGUAGE, PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES

LABELS = ("aspect", "language", "subset")
SIDES = ("chosen_score", "rejected_score")
_NEEDED = ("id", *SIDES, *LABELS)
_FILES = ("scores.parquet", "scores.csv")

Fault = tuple[str, int, str]  # check, rows, detail


@dataclass(frozen=True)
class Run:
    """One run. `scores` has the needed columns, scores as float64 (NaN for none), labels in the kit's spelling,
    `correct` as a truth value where the file has it, rows by id; with a `fault` it has none of them for sure.
    `printed` is its results.json."""

    name: str
    files: tuple[Path, ...]
    scores: pl.DataFrame
    fault: Fault | None = None
    printed: dict[str, Any] | None = None


def read_runs(source: Path, findings: Findings) -> list[Run]:
    """Every run below `source`, by name. Raises Problem where it is no folder or holds no folder."""
    source = Path(source)
    if not source.is_dir():
        raise Problem(f"{source}: no such folder of runs; published_runs names a folder with one folder per model")
    folders = sorted(folder for folder in source.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not folders:
        raise Problem(f"{source}: holds no run; a run is a folder with {' or '.join(_FILES)}")
    return [_read(folder, findings) for folder in folders]


def _read(folder: Path, findings: Findings) -> Run:
    path = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if path is None:
        return Run(folder.name, (), pl.DataFrame(), ("no scores", 0, f"holds neither {' nor '.join(_FILES)}"))
    if not path.stat().st_size:
        return Run(folder.name, (path,), pl.DataFrame(), ("empty file", 0, f"{path.name} is empty"))
    try:
        raw = _table(path)
    except Exception as error:  # whatever a damaged file makes the reader raise, the other runs go on
        return Run(folder.name, (path,), pl.DataFrame(), ("unreadable", 0, f"{path.name}: {_said(error)}"))
    fault, scores = _checked(raw, path)
    printed = _printed(folder, findings)
    files = (path,) if printed is None else (path, folder / "results.json")
    return Run(folder.name, files, scores, fault, printed)


def _table(path: Path) -> pl.DataFrame:
    """The columns that are used, as they are in the file; from CSV all are text. Raises what the reader raises."""
    if path.suffix == ".csv":
        raw = pl.read_csv(path, infer_schema=False, glob=False)
        return raw.select(name for name in raw.columns if name in (*_NEEDED, "correct"))
    # Arrow's reader raises on a damaged file where that of Polars may end the whole process. The columns alone go on:
    # metadata that is no UTF-8 makes Polars panic.
    table = pq.read_table(path, partitioning=None)
    names = [name for name in table.column_names if name in (*_NEEDED, "correct")]
    table = pa.table([table.column(name) for name in names], names=names)
    table.validate(full=True)
    return pl.DataFrame(table)


def _printed(folder: Path, findings: Findings) -> dict[str, Any] | None:
    """What is in results.json, or None where there is none or it is no object."""
    path = folder / "results.json"
    if not path.is_file():
        return None
    try:
        printed = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        findings.note(folder.name, "results.json", 0, f"unreadable: {_said(error)}")
        return None
    if not isinstance(printed, dict):
        findings.note(folder.name, "results.json", 0, "unreadable: not an object")
        return None
    return printed


def _checked(raw: pl.DataFrame, path: Path) -> tuple[Fault | None, pl.DataFrame]:
    """The first fault of a run's table, or none and the table in the kit's types and spelling."""
    if missing := [name for name in _NEEDED if name not in raw.columns]:
        return ("missing column", 0, f"{path.name} lacks {', '.join(missing)}"), raw
    if not raw.height:
        return ("empty file", 0, f"{path.name} has no rows"), raw
    if fault := _of_wrong_type(raw):
        return fault, raw
    scores = raw.with_columns(
        pl.col("id", *LABELS).cast(pl.String), pl.col(*SIDES).cast(pl.Float64).fill_null(float("nan"))
    ).sort("id")
    for name in ("id", *LABELS):
        if empty := scores.filter(pl.col(name).is_null() | (pl.col(name) == "")).height:
            return ("missing value", empty, f"{name}: {empty} rows have none"), raw
    if twice := scores.height - scores["id"].n_unique():
        repeated = scores.filter(pl.col("id").is_duplicated())["id"][0]
        return ("duplicate ids", twice, f"{twice} rows repeat an id, such as {repeated}"), raw
    scores = scores.with_columns(
        pl.col("aspect").replace({name: criterion.value for name, criterion in PUBLISHED_ASPECTS.items()}),
        pl.col("language").replace(PUBLISHED_LANGUAGES),
    )
    for name, known in (("aspect", list(CRITERION_LABELS)), ("language", [*LANGUAGES, NATURAL_LANGUAGE])):
        strange = scores.filter(~pl.col(name).is_in(known))[name]
        if len(strange):
            return (f"unknown {name}", len(strange), f"{name} {strange[0]!r} is none of {', '.join(known)}"), raw
    return None, _with_truth(scores)


def _of_wrong_type(raw: pl.DataFrame) -> Fault | None:
    """Labels that are no text, and scores that are no numbers."""
    for name in ("id", *LABELS):
        if _is_structured(raw[name].dtype):
            return "mixed types", raw.height, f"{name}: not text but {raw[name].dtype}"
    for name in SIDES:
        kind = raw[name].dtype
        if not (kind.is_numeric() or kind in (pl.String, pl.Null)):
            return "mixed types", raw.height, f"{name}: not numbers but {kind}"
        bad = raw.filter(pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64, strict=False).is_null())[name]
        if len(bad):
            return "mixed types", len(bad), f"{name}: {len(bad)} values are no numbers, such as {bad.min()!r}"
    return None


def _with_truth(scores: pl.DataFrame) -> pl.DataFrame:
    """The same with `correct` as a truth value, whatever the file spells it as; null says nothing."""
    if "correct" not in scores.columns:
        return scores
    if _is_structured(scores["correct"].dtype):
        return scores.drop("correct")
    return scores.with_columns(pl.col("correct").cast(pl.String).str.to_lowercase().is_in(["true", "1", "1.0"]))


def _is_structured(kind: pl.DataType) -> bool:
    return kind.is_nested() or kind == pl.Binary


def _said(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
