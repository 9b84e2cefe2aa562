"""Several 64-bit keys per document on disk: written document by document, read key by key, a part at a time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

_READ = 1 << 20  # keys read at a time


class Lanes:
    """A file of `lanes` x `documents` uint64. A lane is read in parts of keys, not of documents, so that equal keys are
    in one part and no more than a part need be held."""

    def __init__(self, path: Path, lanes: int, documents: int) -> None:
        self._path, self.lanes, self._documents = path, lanes, documents
        with path.open("wb") as file:
            file.truncate(8 * lanes * documents)

    def write(self, first: int, keys: np.ndarray) -> None:
        """Set the keys of documents `first`, `first` + 1, ...: uint64 [lanes, any number]."""
        with self._path.open("r+b", buffering=0) as file:
            for lane, row in enumerate(np.ascontiguousarray(keys)):
                os.pwrite(file.fileno(), row, 8 * (lane * self._documents + first))

    def part(self, lane: int, part: int, parts: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The keys of one lane that fall into one of `parts` ranges, and the documents that have them.

        Only documents with `wanted`, bool [documents], are returned; both arrays are in the order of the documents.
        """
        keys, documents = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        lower, upper = (np.uint64(min((bound << 64) // parts, (1 << 64) - 1)) for bound in (part, part + 1))
        for first in range(0, self._documents, _READ):
            count = min(_READ, self._documents - first)
            read = np.fromfile(self._path, np.uint64, count, offset=8 * (lane * self._documents + first))
            inside = wanted[first : first + count].copy()
            if parts > 1:
                inside &= (read >= lower) & ((read < upper) | (part == parts - 1))
            documents.append(np.flatnonzero(inside) + first)
            keys.append(read[inside])
        return np.concatenate(keys), np.concatenate(documents)
