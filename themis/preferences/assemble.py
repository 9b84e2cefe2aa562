"""A training set from collections: every filter in its order, each drop counted, in bounded memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from themis import chance, records
from themis.ahead import ahead
from themis.errors import Problem
from themis.preferences import balance
from themis.preferences.filters import Screen, unique_idx
from themis.preferences.near import documents, repeated
from themis.progress import bar
from themis.records.sorting import sorted_by_ranges
from themis.similarity.signatures import Method

NEAR_DUPLICATE = "near-duplicate"
BALANCE = "length balance"
CAP = "row cap"

_SCREENED = 512  # pairs screened at a time
_STORED = 1024  # pairs read back at a time
_RANGE_BYTES, _MOST_RANGES = 1 << 25, 256  # of the files that the pairs are sorted in
_TOLD = ("idx", "source", "aspect", "language", "difference", "later")  # what is held of a pair


def assemble(
    collections: Sequence[Path],
    out: Path,
    *,
    name: str,
    screen: Screen,
    seed: int,
    ledger: Path,
    lengths: Path,
    inputs: Sequence[Path] = (),
    threads: int = 1,
) -> None:
    """Write the preferences table of the pairs that pass every filter, sorted by idx; the ledger of the stage
    `assemble_<name>` by source; and the lengths table of the set, before and after balancing.

    The filters in their order: those of `Screen` up to the prompt's perplexity; near-duplicates within a source, of which
    the smallest idx stays; overlap with the benchmarks and what else `Screen` has; length balance; the row cap. Source:
    paper appendix B.3, p. 46. A pair's idx is that of its collection behind its source.

    The order of the collections, how the pairs are spread over them, and the threads change nothing. The texts lie sorted
    in files beside `out` meanwhile; in memory are some megabytes of them, and some hundred bytes a pair. Raises Problem
    where an idx is there twice.
    """
    inputs, limits = [*collections, *inputs], screen.limits
    scratch = out.with_name(f".{out.name}.scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        counts = records.Ledger(f"assemble_{name}")
        pairs = scratch / "pairs"
        idx = _all_idx(collections, counts)
        screened = _screened(collections, len(idx), screen, counts, threads)
        told = _stored(sorted_by_ranges(screened, ["idx"], _bounds(idx, collections), scratch / "sorted"), pairs)
        near = Method(shingle=limits.shingle, threshold=limits.near_duplicate)
        batches = _documents(pairs, told["source"].unique())
        told = _drop(told, NEAR_DUPLICATE, repeated(batches, told.height, near, scratch, threads), counts)
        for reason in told["later"].unique().drop_nulls().sort():
            told = _drop(told, reason, (told["later"] == reason).fill_null(False), counts)
        even = balance.keep(told, seed, limits.balance_within)
        records.write(balance.lengths(told, even, name), lengths, "lengths", inputs=inputs, seed=seed)
        told = _drop(told, BALANCE, ~even, counts)
        told = _drop(told, CAP, _over(told["idx"], limits.max_pairs, seed), counts)
        for source, kept in told.group_by("source").len().iter_rows():
            counts.keep(source, kept)
        records.write(_chosen(pairs, told["place"]), out, "preferences", inputs=inputs, seed=seed)
        counts.write(ledger, inputs=inputs)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _all_idx(collections: Sequence[Path], counts: records.Ledger) -> pl.Series:
    """The ids of all pairs, sorted. A collection without any is counted under its file's name."""
    found = [pl.Series("idx", [], dtype=pl.String)]
    for path in collections:
        frames = [pl.DataFrame(pl.from_arrow(part)) for part in records.stream(path, "collection", ["source", "idx"])]
        found += [frame.select(idx=unique_idx())["idx"] for frame in frames]
        if not frames:
            counts.keep(path.stem, 0)
    idx = pl.concat(found).sort()
    twice = idx.filter(idx.is_duplicated())
    if len(twice):
        raise Problem(f"{twice[0]} is in the collections twice; is each file given once?")
    return idx


def _bounds(idx: pl.Series, collections: Sequence[Path]) -> list[str]:
    """The ids that the ranges begin with, which are sorted each by itself."""
    found = [pq.read_metadata(path) for path in collections]
    size = sum(one.row_group(at).total_byte_size for one in found for at in range(one.num_row_groups))
    count = min(size // _RANGE_BYTES + 1, _MOST_RANGES, max(len(idx), 1))
    return [idx[len(idx) * at // count] for at in range(1, count)]


def _screened(
    collections: Sequence[Path], total: int, screen: Screen, counts: records.Ledger, threads: int
) -> Iterator[pa.Table]:
    """The pairs that pass the filters before near-duplicates are looked for; the others are counted."""
    tables = (table for path in collections for table in records.stream(path, "collection", rows=_SCREENED))
    with ThreadPoolExecutor(threads) as pool, bar("screen", total, "pair") as shown:
        for rows in ahead(pool, screen, tables, threads):
            lost = rows.filter(pl.col("reason").is_not_null()).group_by("reason", "source").len()
            for reason, source, dropped in lost.iter_rows():
                counts.drop(reason, source, dropped)
            shown.update(rows.height)
            yield rows.filter(pl.col("reason").is_null()).drop("reason", "repositories").to_arrow()


def _stored(tables: Iterable[pa.Table], path: Path) -> pl.DataFrame:
    """Write the pairs to a file, and return what is told of each, with its place in the file."""
    told = []
    with pa.OSFile(str(path), "wb") as file:
        writer = None
        for table in tables:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            writer = writer or pa.ipc.new_file(file, table.schema, options=options)
            writer.write_table(table, max_chunksize=_STORED)
            told.append(pl.DataFrame(pl.from_arrow(table.select(_TOLD))))
        if writer:
            writer.close()
    if not told:
        kinds = dict.fromkeys(_TOLD, pl.String) | {"difference": pl.Int64}
        told = [pl.DataFrame(schema=kinds)]
    return pl.concat(told).with_row_index("place")


def _read(path: Path) -> Iterator[pa.Table]:
    if not path.stat().st_size:
        return
    with pa.OSFile(str(path)) as source:
        file = pa.ipc.open_file(source)
        for at in range(file.num_record_batches):
            yield pa.Table.from_batches([file.get_batch(at)])


def _documents(path: Path, sources: pl.Series) -> Iterator[tuple[pa.ChunkedArray, np.ndarray]]:
    numbers = {source: at for at, source in enumerate(sources.sort())}
    for table in _read(path):
        source = pl.Series(table["source"]).replace_strict(numbers, return_dtype=pl.UInt64)
        yield documents(table["input"], table["chosen"]), source.to_numpy()


def _drop(told: pl.DataFrame, reason: str, which: np.ndarray | pl.Series, counts: records.Ledger) -> pl.DataFrame:
    """The pairs for which a mask is false; the others are counted."""
    mask = pl.Series(which, dtype=pl.Boolean)
    for source, dropped in told.filter(mask).group_by("source").len().iter_rows():
        counts.drop(reason, source, dropped)
    return told.filter(~mask)


def _over(idx: pl.Series, most: int | None, seed: int) -> np.ndarray:
    """Which pairs are beyond the cap in an order of chance."""
    over = np.zeros(len(idx), bool)
    if most is not None:
        over[chance.order(seed, "row cap", idx.to_list())[most:]] = True
    return over


def _chosen(path: Path, places: pl.Series) -> Iterator[pa.Table]:
    """The pairs at these places, which ascend."""
    names = records.SCHEMAS["preferences"].names
    first = 0
    with bar("write", len(places), "pair") as shown:
        for table in _read(path):
            here = places.filter(places.is_between(first, first + len(table), closed="left"))
            yield table.select(names).take(pa.array((here - first).to_numpy()))
            first += len(table)
            shown.update(len(here))
