"""Where a benchmark's rows are read: files at hand or the hub; and the digest of what was read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from themis.errors import Problem
from themis.preferences.benchmarks.candidate import Candidate
from themis.preferences.benchmarks.formats import Format
from themis.preferences.collections.hub import rows_of
from themis.preferences.collections.reading import NotThere, Row, data_files, rows_at
from themis.progress import track


@dataclass(frozen=True)
class Place:
    """A file or folder at hand, else a data set on the hub; and columns that are not named as in the format."""

    path: Path | None = None
    hub: str | None = None  # null: the format's own
    revision: str | None = None
    config: str | None = None
    splits: tuple[str, ...] = ()  # none: the format's own
    columns: Mapping[str, str] = field(default_factory=dict)  # the file's name of a column by the format's


def columns_of(given: Sequence[str]) -> dict[str, str]:
    """Columns given as PART=COLUMN. Raises Problem."""
    found = dict(one.partition("=")[::2] for one in given)
    for part, column in found.items():
        if not (part and column):
            raise Problem(f"--column {part}={column}: not PART=COLUMN")
    return found


class Source:
    """The candidates of a benchmark in the order of its files.

    When all are read, `digest` is the SHA-256 of what was read of them; `files` are those at hand, `origin` says where.
    """

    def __init__(self, place: Place, form: Format) -> None:
        if unknown := sorted(place.columns.keys() - {*form.columns, *form.optional}):
            raise Problem(f"column {unknown[0]} is none that this format reads: {', '.join(form.columns)}")
        self._place, self._form = place, form
        self._hash = hashlib.sha256()
        self.files = [] if place.path is None else self._at_hand(place.path)
        at = f"@{place.revision}" if place.revision else ""
        self.origin = place.path.name if place.path is not None else self._hub_id() + at

    def __iter__(self) -> Iterator[Candidate]:
        names = self._names()
        for file, row in track(self._rows(), f"read {self.origin}"):
            named = {part: row[given] for part, given in names.items() if given in row}
            self._hash.update(json.dumps(named, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
            try:
                yield from self._form.read(named, file)
            except Problem as problem:
                raise Problem(f"{self.origin}: {file or 'row'}: {problem}; is it the published file?") from None

    @property
    def digest(self) -> str:
        """Of the rows read so far, in hex."""
        return self._hash.hexdigest()

    def _names(self) -> dict[str, str]:
        return {part: self._place.columns.get(part, part) for part in (*self._form.columns, *self._form.optional)}

    def _rows(self) -> Iterator[tuple[str, Row]]:
        names = self._names()
        columns = [names[part] for part in self._form.columns]
        optional = [names[part] for part in self._form.optional]
        if self._place.path is not None:
            for file in self.files:
                for row in rows_at(file, columns, optional=optional):
                    yield file.name.partition(".")[0], row
            return
        for split in self._splits():
            patterns = () if self._place.hub or self._place.config else self._form.files
            found = rows_of(
                self._hub_id(),
                columns,
                config=self._place.config,
                revision=self._place.revision,
                patterns=patterns,
                split=split,
            )
            for row in found:
                yield "", row

    def _at_hand(self, path: Path) -> list[Path]:
        """The files, those of all the splits asked for."""
        splits = self._splits()
        try:
            return sorted({file for split in splits for file in data_files(path, (), split)})
        except NotThere as problem:
            raise Problem(f"{problem}; name the folder or file of the benchmark") from None

    def _splits(self) -> Sequence[str]:
        return self._place.splits or self._form.splits

    def _hub_id(self) -> str:
        name = self._place.hub or self._form.hub
        if name is None:
            raise Problem("this format has no hub id; give path, urls or hub")
        return name
