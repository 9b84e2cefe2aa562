"""A collection written: each candidate kept or dropped with its reason, sorted, without repetitions, capped by a hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from themis import chance
from themis.records import SCHEMAS, Ledger, write
from themis.records.sorting import even_bounds, sorted_by_ranges

_RANGES = 16
_PART_ROWS, _PART_BYTES = 1024, 1 << 25
_ORDER = ("chosen", "rejected")  # tell rows of one key apart


def write_collection(
    frames: Iterable[pl.DataFrame],
    out: Path,
    name: str,
    *,
    seed: int,
    ledger: Ledger,
    schema: str = "collection",
    most: int | None = None,
    inputs: Sequence[Path] = (),
) -> int:
    """Write candidates to `out`, sorted by their key (idx, or id where there is none), and return how many are kept.

    A frame has the columns of the schema and `reason`, null where the candidate is to be kept; one frame is held at a
    time. Of rows with one key the first by its responses is kept; of more than `most` a hash of (seed, key) picks.
    """
    arrow = SCHEMAS[schema]
    key = "idx" if "idx" in arrow.names else "id"
    order = (key, *(column for column in _ORDER if column in arrow.names))
    ledger.keep(name, 0)
    digests: list[np.ndarray] = []
    total = 0

    def wanted() -> Iterator[pa.Table]:
        for frame in frames:
            lost = frame.filter(pl.col("reason").is_not_null()).group_by("reason").len()
            for reason, count in lost.iter_rows():
                ledger.drop(reason, name, count)
            kept = frame.filter(pl.col("reason").is_null()).select(arrow.names)
            if most is not None:
                digests.append(_digests(seed, kept[key]))
            yield kept.to_arrow().cast(arrow)

    def chosen() -> Iterator[pa.Table]:
        nonlocal total
        last = None
        for at, table in enumerate(sorted_by_ranges(wanted(), order, even_bounds(_RANGES), out)):
            if most is not None and at == 0:  # every candidate has been seen by now
                last = _last(digests, most)
            keys = pl.Series(table[key])
            kept = keys.is_first_distinct()
            ledger.drop("repetition", name, len(keys) - int(kept.sum()))
            if last is not None:
                within = pl.Series(_digests(seed, keys) <= last, dtype=pl.Boolean)
                ledger.drop("row cap", name, int((kept & ~within).sum()))
                kept &= within
            count = int(kept.sum())
            ledger.keep(name, count)
            total += count
            yield table.filter(kept.to_arrow())

    write(chosen(), out, schema, inputs=inputs, seed=seed)
    return total


def frames_of(rows: Iterable[Mapping[str, Any]], schema: str = "collection") -> Iterator[pl.DataFrame]:
    """Frames of the rows, each of some hundred rows or few large ones; a row may lack columns where it has a reason."""
    fields = [field.with_nullable(True) for field in SCHEMAS[schema]]
    wanted = pa.schema([*fields, pa.field("reason", pa.string())])
    part: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        texts = [value for value in row.values() if isinstance(value, str)]
        part.append(row if all(map(_encodable, texts)) else {"reason": "not valid Unicode"})
        size += sum(map(len, texts))
        if len(part) >= _PART_ROWS or size >= _PART_BYTES:
            yield pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(part, wanted)))
            part, size = [], 0
    if part:
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(part, wanted)))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _digests(seed: int, keys: pl.Series) -> np.ndarray:
    return np.array([chance.digest(seed, "row cap", key) for key in keys], np.uint64)


def _last(digests: list[np.ndarray], most: int) -> np.uint64 | None:
    """The greatest digest that is still taken; None where there are no more than `most` rows."""
    distinct = np.unique(np.concatenate(digests)) if digests else np.zeros(0, np.uint64)
    return distinct[most - 1] if len(distinct) > most else None
