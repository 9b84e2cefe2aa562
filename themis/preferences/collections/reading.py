"""Rows of a data set at hand: Parquet, JSON or JSON lines, a `save_to_disk` folder or a hub snapshot."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem

Row = dict[str, Any]


class NotThere(Problem):
    """A data set that cannot be had, unlike one that is there but is not what it should be."""


_BATCH_ROWS = 256
_LONGEST_LINE = 1 << 26  # bytes; a line without an end is not a row
_PARQUET, _ARROW = ("*.parquet",), ("data-*.arrow", "dataset.arrow")
_LINES = ("*.jsonl", "*.jsonl.gz", "*.jsonl.zst", "*.json", "*.json.gz")
_NOT_DATA = {"dataset_info.json", "dataset_dict.json", "state.json", "dataset_infos.json"}


def rows_at(
    path: Path,
    columns: Sequence[str],
    patterns: Sequence[str] = (),
    split: str = "train",
    *,
    only_named: bool = False,
    optional: Sequence[str] = (),
) -> Iterator[Row]:
    """The rows of a file or folder with the columns asked for, file by file in the order of their names, a few at a time
    unless a JSON file is one array. `optional` columns come where there are such.

    In a folder: the files that a pattern names; if none does, the split of a `save_to_disk` folder, or every Parquet
    or JSON-lines file, those with the split in their path where there are such, unless `only_named`. Nothing else is
    opened, and nothing is run or unpickled. Labels that are numbers come by their names. Raises Problem, NotThere where
    there is no file at all.
    """
    for file in data_files(Path(path), patterns, split, only_named=only_named):
        if file.suffix == ".parquet":
            yield from _parquet(file, columns, optional)
        elif file.suffix == ".arrow":
            yield from _arrow(file, columns, optional)
        else:
            yield from _lines(file, columns)


def data_files(path: Path, patterns: Sequence[str], split: str, *, only_named: bool = False) -> list[Path]:
    """The files of a data set. Raises NotThere where there is none."""
    if path.is_file() and not only_named:
        return [path]
    if not path.is_dir():
        raise NotThere(f"{path}: no such file or folder")
    named = sorted({file for pattern in patterns for file in path.glob(pattern)})
    if named:
        return named
    if only_named:
        raise NotThere(f"{path}: no file {patterns[0]}")
    if (path / "dataset_dict.json").exists():
        if not (path / split).is_dir():
            found = ", ".join(sorted(child.name for child in path.iterdir() if child.is_dir()))
            raise NotThere(f"{path}: no split {split}; it has {found or 'none'}")
        path = path / split
    for kind in (_ARROW, _PARQUET, _LINES):
        files = sorted({file for pattern in kind for file in path.rglob(pattern) if file.name not in _NOT_DATA})
        if files:
            ours = [file for file in files if split in re.split(r"[-_./]", str(file.relative_to(path)))]
            return ours or files
    found = ", ".join(sorted(child.name for child in path.iterdir())[:5]) or "nothing"
    raise NotThere(f"{path}: no Parquet, Arrow or JSON-lines file in it; it has {found}")


def lacking(columns: Sequence[str], found: Sequence[str], where: str) -> Problem:
    """The problem of a data set without some columns; it names those it has."""
    missing = ", ".join(column for column in columns if column not in found)
    return Problem(f"{where}: no column {missing}; it has {', '.join(list(found)[:30]) or 'none'}")


def labels_of(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of the labels that are kept as numbers, by column, as the `datasets` library notes them in a file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError):
        return {}


def _parquet(file: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    try:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            schema = opened.schema_arrow
            wanted = _wanted(columns, optional, schema, file)
            yield from _rows(opened.iter_batches(_BATCH_ROWS, columns=wanted), wanted, labels_of(schema))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, "Parquet", error) from None


def _arrow(file: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    try:
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as opened:
            yield from _rows(opened, _wanted(columns, optional, opened.schema, file), labels_of(opened.schema))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, "Arrow", error) from None


def _wanted(columns: Sequence[str], optional: Sequence[str], schema: pa.Schema, file: Path) -> list[str]:
    """The columns to read of a file. Raises Problem where one that must be there is not."""
    if not set(columns) <= set(schema.names):
        raise lacking(columns, schema.names, str(file))
    return [*columns, *(name for name in optional if name in schema.names and name not in columns)]


def _rows(batches: Iterator[pa.RecordBatch], columns: Sequence[str], labels: dict[str, list[str]]) -> Iterator[Row]:
    for batch in batches:
        batch.validate(full=True)  # offsets of a damaged file may point anywhere
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            for row in batch.select(list(columns)).slice(start, _BATCH_ROWS).to_pylist():
                for column, names in labels.items():
                    value = row.get(column)
                    if isinstance(value, int) and 0 <= value < len(names):
                        row[column] = names[value]
                yield row


def _lines(file: Path, columns: Sequence[str]) -> Iterator[Row]:
    try:
        with pa.input_stream(str(file), compression="detect") as raw, io.BufferedReader(raw, 1 << 20) as stream:
            array = ".json" in file.suffixes and stream.peek(64).lstrip().startswith(b"[")
            for where, row in _array(stream) if array else _objects(stream, file):
                if not isinstance(row, dict):
                    raise Problem(f"{file}: {where} is no object; JSON lines have one in each line")
                if not row.keys() >= set(columns):
                    raise lacking(columns, list(row), f"{file}: {where}")
                yield row
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, "JSON" if file.suffix == ".json" else "JSON lines", error) from None


def _objects(stream: io.BufferedReader, file: Path) -> Iterator[tuple[str, Any]]:
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise Problem(f"{file}: line {number} is longer than {_LONGEST_LINE >> 20} MiB; is it JSON lines?")
        if line.strip():
            yield f"line {number}", json.loads(line)


def _array(stream: io.BufferedReader) -> Iterator[tuple[str, Any]]:
    rows = json.load(stream)
    return ((f"row {number}", row) for number, row in enumerate(rows, 1))


def _unreadable(file: Path, kind: str, error: Exception) -> Problem:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
    return Problem(f"{file}: not readable as {kind}: {reason}")
