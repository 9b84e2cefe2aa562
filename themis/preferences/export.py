"""A set or the benchmark as a Hugging Face dataset folder: Parquet shards and a card, nothing else."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.errors import Problem
from themis.preferences.card import card
from themis.records.folders import put_in_place
from themis.vocabulary import LANGUAGES

_PARTS = {"README.md", "data"}
_SCHEMAS = ("preferences", "benchmark")


def export(
    tables: Sequence[Path],
    out: Path,
    *,
    shard_bytes: int,
    ledgers: Sequence[Path] = (),
    lengths: Sequence[Path] = (),
    commits: Path | None = None,
) -> None:
    """Make `out` a folder that `datasets.load_dataset` reads and a user can push to a hub as it is.

    Preferences tables become a configuration each, named as the file, with the split `train`. A benchmark becomes the
    configuration `Full`, with one split of that name, and the configurations `Aspect` and `Language`, with a split per
    criterion and per language. Shards hold about `shard_bytes` of text. `ledgers` and `lengths` tell the card's yields and
    lengths, and the labelled `commits` the licences of code from repositories. The same tables give the same bytes.
    Raises Problem where the tables do not go together, or `out` holds something else.
    """
    kinds = [_kind(path) for path in tables]
    if "benchmark" in kinds and len(kinds) > 1:
        raise Problem(f"{out}: a benchmark is a data set of its own; export its table alone")
    names = [path.stem for path in tables]
    if len(set(names)) < len(names):
        raise Problem(f"{out}: two tables have the same name; each names a configuration")
    with _whole_folder(Path(out)) as folder:
        configurations: list[dict[str, Any]] = []
        for path, kind in zip(tables, kinds, strict=True):
            made = _benchmark(path, folder) if kind == "benchmark" else [_training_set(path, folder, shard_bytes)]
            configurations += made
        configurations[0]["default"] = True
        text = card(Path(out).name, tables, kinds[0], configurations, ledgers=ledgers, lengths=lengths, commits=commits)
        (folder / "README.md").write_text(text, encoding="utf-8")


def _kind(path: Path) -> str:
    found = records.metadata(path).get("schema", "") if Path(path).is_file() else ""
    if found not in _SCHEMAS:
        raise Problem(f"{path}: is no {' or '.join(_SCHEMAS)} table; give results/preferences or results/benchmark")
    return found


def _training_set(path: Path, folder: Path, shard_bytes: int) -> dict[str, Any]:
    data = folder / "data" / path.stem
    _write_shards(_shards(records.stream(path, "preferences"), shard_bytes), data, "train", "preferences")
    return _configuration(path.stem, {"train": f"data/{path.stem}/train-*.parquet"})


def _benchmark(path: Path, folder: Path) -> list[dict[str, Any]]:
    """A file for each criterion and language, which all configurations share."""
    table = records.read(path, "benchmark")
    cells = pl.DataFrame(pl.from_arrow(table.select(["aspect", "language"]))).unique().sort("aspect", "language")
    if cells.is_empty():
        raise Problem(f"{path}: holds no pair; there is nothing to export")
    for aspect, language in cells.iter_rows():
        part = table.filter((pc.field("aspect") == aspect) & (pc.field("language") == language))
        _write_shards([[part]], folder / "data" / aspect, _key(language), "benchmark")
    aspects = {aspect: f"data/{aspect}/*.parquet" for aspect in cells["aspect"].unique().sort()}
    languages = {_key(one): f"data/*/{_key(one)}-*.parquet" for one in cells["language"].unique().sort()}
    return [
        _configuration("Full", {"Full": "data/*/*.parquet"}),
        _configuration("Aspect", aspects),
        _configuration("Language", languages),
    ]


def _configuration(name: str, splits: dict[str, str]) -> dict[str, Any]:
    files = [{"split": split, "path": path} for split, path in splits.items()]
    return {"config_name": name, "data_files": files}


def _key(language: str) -> str:
    """A language in names of files and splits, which take no sign."""
    return LANGUAGES[language].key if language in LANGUAGES else language.lower()


def _shards(tables: Iterable[pa.Table], most: int) -> Iterator[Iterator[pa.Table]]:
    """The tables in groups; a group ends with the table that brings it to `most` bytes."""
    total = 0

    def place(table: pa.Table) -> int:
        nonlocal total
        before, total = total, total + table.nbytes
        return before // most

    for _, group in itertools.groupby(tables, place):
        yield group


def _write_shards(shards: Iterable[Iterable[pa.Table]], folder: Path, name: str, schema: str) -> None:
    made = []
    for number, shard in enumerate(shards):
        made.append(folder / f"{name}-{number:05d}.parquet")
        records.write(shard, made[-1], schema)
    if not made:
        raise Problem(f"{folder.name}: holds no pair; there is nothing to export")
    for number, path in enumerate(made):
        path.rename(folder / f"{name}-{number:05d}-of-{len(made):05d}.parquet")


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` when it is complete."""
    if out.exists() and (not out.is_dir() or {entry.name for entry in out.iterdir()} - _PARTS):
        raise Problem(f"{out}: is there, and no exported data set; choose another place or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        put_in_place(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
