"""Collect a public data set: read where it lies, turned into rows by its form, counted against what is known of it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis.errors import Problem
from themis.preferences.collections.codenet import codenet_pairs
from themis.preferences.collections.forms import pairs_of
from themis.preferences.collections.hub import rows_of
from themis.preferences.collections.pair import Pair
from themis.preferences.collections.published import benchmark_row, commit_row
from themis.preferences.collections.reading import NotThere, Row, rows_at
from themis.preferences.collections.writing import frames_of, write_collection
from themis.progress import track
from themis.records import SCHEMAS, Ledger, write
from themis.registry.collections import PublicCollection, public_collections
from themis.vocabulary import LANGUAGES

NOT_AVAILABLE = "not available"
MISSING = ("stop", "skip")
SPLITS = ("train", "benchmark")


@dataclass(frozen=True)
class Place:
    """Where a data set lies: a folder or file at hand, else the hub."""

    path: Path | None = None
    hub: str | None = None
    revision: str | None = None


def collect_public(
    line: PublicCollection,
    place: Place,
    out: Path,
    *,
    seed: int,
    ledger: Ledger,
    most: int | None = None,
    missing: str = "stop",
    split: str = "train",
) -> pa.Table:
    """Write the data set to `out` in the schema it makes and return what was counted (schema "metrics").

    `rows`: read (of CodeNet: groups of submissions); `expected_rows`: of the registry; `pairs`: kept; `paper_pairs`: of
    the paper's mixture, after its filters. Where rows differ from those expected, a line on stderr says so. A data set
    that is not there at all is a Problem, or where `missing` is `skip` an empty table: the ledger then counts the
    paper's pairs as not available (one where their number is not known). `split` is that of commits. Raises Problem.
    """
    if missing not in MISSING or split not in SPLITS:
        raise Problem(f"--missing {missing} --split {split}: neither {' or '.join(MISSING)}, nor {' or '.join(SPLITS)}")
    source = _Source(line, place)
    most = min((cap for cap in (most, line.most) if cap is not None), default=None)
    frames = frames_of(_rows(source, seed, split), line.makes)
    try:
        kept = write_collection(frames, out, line.name, seed=seed, ledger=ledger, schema=line.makes, most=most)
    except NotThere as problem:
        if missing == "stop":
            raise Problem(
                f"{line.name}: {problem}; give collections.places.{line.name}.path, or set collections.missing to skip"
            ) from None
        print(f"themis: {line.name}: {problem}; the mix goes on without it", file=sys.stderr)
        kept = 0
        ledger.drop(NOT_AVAILABLE, line.name, line.pairs or line.rows or 1)
        write(SCHEMAS[line.makes].empty_table(), out, line.makes, seed=seed)
    else:
        if line.rows is not None and source.count != line.rows:
            print(
                f"themis: {line.name}: {source.count:,} rows, not the {line.rows:,} known; is it another revision?",
                file=sys.stderr,
            )
    return _metrics(line, source.count, kept)


def line_of(name: str, columns: Sequence[str] = ()) -> PublicCollection:
    """The registry's line of a data set, with other columns given as PART=COLUMN. Raises Problem."""
    known = public_collections()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise Problem(f"{name}: no such public data set; {f'did you mean {near[0]}?' if near else ', '.join(known)}")
    line = known[name]
    for given in columns:
        part, _, column = given.partition("=")
        if part not in line.columns or not column:
            raise Problem(f"--column {given}: not PART=COLUMN; the parts of {name} are {', '.join(line.columns)}")
        line = line.model_copy(update={"columns": {**line.columns, part: column}})
    return line


class _Source:
    """The rows of a data set, each with the line that tells of it, and how many were read."""

    def __init__(self, line: PublicCollection, place: Place) -> None:
        self.line, self._place, self.count = line, place, 0

    def __iter__(self) -> Iterator[tuple[Row, PublicCollection]]:
        parts = self._parts()
        for part in parts:
            try:
                for row in track(self._read(part), f"read {self.line.name}"):
                    self.count += 1
                    yield row, part
            except NotThere as problem:
                if part is parts[-1] and not self.count:
                    raise
                print(f"themis: {self.line.name}: {problem}", file=sys.stderr)

    @property
    def folder(self) -> Path:
        """Where the files of a form lie that is more than rows."""
        if self._place.path is None or not self._place.path.is_dir():
            raise NotThere("it is read from a folder, and there is none")
        return self._place.path

    def _parts(self) -> list[PublicCollection]:
        """The line itself, or one for each language where the files of each have names of their own."""
        line = self.line
        if not any("{language}" in pattern for pattern in line.files):
            return [line]
        keys = {name: line.language_keys.get(name, language.key) for name, language in LANGUAGES.items()}
        return [
            line.model_copy(
                update={"language": name, "files": [pattern.format(language=key) for pattern in line.files]}
            )
            for name, key in keys.items()
        ]

    def _read(self, part: PublicCollection) -> Iterator[Row]:
        if self._place.path is not None:
            only_named = part is not self.line  # files of one language must not be taken for another's
            return rows_at(self._place.path, part.reads, part.files, part.split, only_named=only_named)
        hub, ours = self._place.hub or part.hub, self._place.hub in (None, part.hub)
        if hub is None:
            raise NotThere("it has no hub id")
        revision = self._place.revision or (part.revision if ours else None)
        return rows_of(hub, part.reads, config=part.config, revision=revision, patterns=part.files, split=part.split)


def _rows(source: _Source, seed: int, split: str) -> Iterator[Mapping[str, Any]]:
    line = source.line
    if line.form == "codenet":
        for pair in track(codenet_pairs(source.folder, line, seed), f"read {line.name}", unit="group"):
            source.count += 1
            yield pair.row()
        return
    for row, part in source:
        if line.makes == "collection":
            yield from map(Pair.row, pairs_of(row, part, seed))
        else:
            found = benchmark_row(row, part) if line.makes == "benchmark" else commit_row(row, part, split)
            yield {"reason": found} if isinstance(found, str) else found


def _metrics(line: PublicCollection, rows: int, pairs: int) -> pa.Table:
    values = {"rows": rows, "expected_rows": line.rows, "pairs": pairs, "paper_pairs": line.pairs}
    found: Iterable[dict[str, Any]] = (
        {"stage": "collect", "subject": line.name, "metric": metric, "step": None, "value": value}
        for metric, value in values.items()
    )
    return pa.Table.from_pylist(list(found), SCHEMAS["metrics"])
