"""Decontamination: which texts share a run of words with a benchmark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.similarity.shingles import Texts, as_array, parts, shingle_hashes

# What HTML and strings in JSON make of signs: it would be words, in the middle of a run.
_ESCAPED = r"&(?:amp;)*(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#[xX][0-9a-fA-F]+);|\\+[nrt]"
# What files have in common that have nothing else in common: comments about copyright and licence, and imports.
_COMMENT = re.compile(r"/\*.*?\*/|(?:^[ \t]*(?://|#|--|;)[^\n]*(?:\n|\Z))+", re.MULTILINE | re.DOTALL)
_NOTICE = re.compile(r"copyright|licen[cs]e", re.IGNORECASE)
_IMPORT = re.compile(
    r"^[ \t]*(?:import (?:static )?[\w.*]+(?: as \w+)?(?:, *[\w.]+(?: as \w+)?)*;?"  # Python, Java
    r"|from [\w.]+ import (?:\([^)]*\)|[\w*, ]+)"  # Python
    r"|import (?:[\w*, ]*\{[^}]*\}|[\w*, ]+) from ['\"][^'\"\n]+['\"];?|(?:const|let|var) [\w{}, ]+ = require\([^)\n]*\);?"  # JavaScript
    r"|#[ \t]*include [^\n]+|(?:using (?:static |namespace )?|package )[\w.:]+;?"  # C, C++, C#, Java, Go
    r"|import (?:\([^)]*\)|\"[^\"\n]+\")|require(?:_relative)? ['\"][^'\"\n]+['\"])[ \t]*\r?$",  # Go, Ruby
    re.MULTILINE,
)
_TOGETHER = 1024  # rows of a benchmark read at a time
_MOST_BITS = 26


@dataclass(frozen=True)
class Runs:
    """The runs of `words` consecutive words in some texts, as 64-bit hashes.

    A word is a run of [A-Za-z0-9_], in lower case; what stands between two words does not count, so a text may be
    indented anew, wrapped, commented out or escaped for HTML or JSON. A text of fewer words has no run.
    """

    words: int
    hashes: np.ndarray  # uint64, sorted
    possible: np.ndarray  # bool [2^b]: most other hashes are ruled out by their last b bits, without a search

    @classmethod
    def of(cls, texts: Iterable[Texts], words: int) -> Runs:
        """The runs in texts that come some at a time, as far as they are the texts' own (see `own_words`)."""
        plain = (pl.Series(some, dtype=pl.String).map_elements(own_words, pl.String).to_arrow() for some in texts)
        found = [np.unique(hashes) for some in plain for hashes, _ in _hashed(some, words)]
        hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))
        possible = np.zeros(1 << min((16 * len(hashes)).bit_length(), _MOST_BITS), bool)
        possible[_last_bits(hashes, possible)] = True
        return cls(words, hashes, possible)

    def shared_by(self, texts: Texts) -> np.ndarray:
        """Which texts have one of the runs, bool [N].

        The paper drops a training pair whose prompt shares 13 words with a benchmark prompt (appendix B.3, p. 46).
        """
        shared = np.zeros(len(texts), bool)
        if not len(self.hashes):
            return shared
        for hashes, owners in _hashed(texts, self.words):
            at = np.flatnonzero(self.possible[_last_bits(hashes, self.possible)])
            hashes, owners = hashes[at], owners[at]
            places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
            shared[owners[self.hashes[places] == hashes]] = True
        return shared


def own_words(text: str) -> str:
    """The text without its import lines, and without the comments that speak of copyright or licence.

    Of 2,752 commits of 15 public repositories 293 shared thirteen words with the files of NoFunEval: 255 by a licence's
    notice, 37 by imports of Java's library, and one by code.
    """
    if _NOTICE.search(text):
        text = _COMMENT.sub(lambda comment: " \n" if _NOTICE.search(comment[0]) else comment[0], text)
    return _IMPORT.sub(" ", text)


def benchmark_files(path: Path) -> list[Path]:
    """A benchmark's file, or the Parquet, JSON lines and JSON files of its folder. Raises Problem where there is none."""
    path = Path(path)
    files = sorted(file for file in path.rglob("*") if file.suffix in _READERS) if path.is_dir() else [path]
    if not files or not path.exists():
        raise Problem(f"{path}: no benchmark here; name a file, or a folder of files, {', '.join(_READERS)}")
    if files[0].suffix not in _READERS:
        raise Problem(f"{path}: not readable as a benchmark: it is none of {', '.join(_READERS)}")
    return files


def benchmark_texts(path: Path) -> Iterator[list[str]]:
    """Every text in a benchmark's files, some at a time, whatever its columns are called and however they are nested.
    Raises Problem."""
    for file in benchmark_files(path):
        try:
            yield from _READERS[file.suffix](file)
        except (ValueError, OSError) as error:
            raise Problem(f"{file}: not readable as a benchmark: {str(error).splitlines()[0]}") from None


def _parquet(file: Path) -> Iterator[list[str]]:
    with pq.ParquetFile(file, pre_buffer=False) as table:
        for batch in table.iter_batches(batch_size=_TOGETHER):
            yield list(_strings(batch.to_pylist()))


def _lines(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8") as lines:
        while some := list(islice(lines, _TOGETHER)):
            yield list(_strings([json.loads(line) for line in some if line.strip()]))


def _json(file: Path) -> Iterator[list[str]]:
    yield list(_strings(json.loads(file.read_text(encoding="utf-8"))))


_READERS = {".parquet": _parquet, ".jsonl": _lines, ".json": _json}


def _strings(value: Any) -> Iterator[str]:
    """All texts in nested lists and records."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value


def _last_bits(hashes: np.ndarray, table: np.ndarray) -> np.ndarray:
    return hashes & np.uint64(len(table) - 1)


def _hashed(texts: Texts, words: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hashes of the runs of words, and the number of the text each is in, some texts at a time."""
    first = 0
    for part in parts(as_array(texts)):
        plain = pl.Series(part).str.replace_all(_ESCAPED, " ").to_arrow().cast(pa.large_string())
        hashed = shingle_hashes(pc.ascii_lower(plain), words)
        lengths = np.diff(hashed.offsets)
        owners = np.repeat(np.arange(first, first + len(part)), np.where(hashed.short, 0, lengths))
        yield hashed.hashes[np.repeat(~hashed.short, lengths)], owners
        first += len(part)
