"""Mark all but one commit of every group of near-duplicates, and the commits that change nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from themis import records
from themis.dedup.documents import Key, documents
from themis.dedup.rows import read_rows
from themis.similarity.clustering import Documents, duplicate_clusters
from themis.similarity.signatures import Method

NEAR_DUPLICATE = "near-duplicate"
NO_CHANGE = "no change"
SHORT = "too short to compare"

_BATCH_BYTES = 1 << 22
_TEXTS = ("language", "old_blob", "new_blob", "old_contents", "new_contents")


def deduplicate(
    retrieved: Path,
    out: Path,
    ledger: Path,
    *,
    method: Method,
    columns: Sequence[Key] = ("old", "new"),
    scope: Literal["language", "all"] = "language",
    short: Literal["keep", "drop"] = "keep",
    threads: int = 1,
) -> None:
    """Write all rows as a `deduplicated` table, in their order, and the ledger of the stage by split.

    Two commits are duplicates where their documents, made of `columns`, are near-duplicates by the `method` and of one
    language (or of any, by `scope`), or where both blobs are identical. Each connected group keeps one row: a benchmark
    row if it has one, so that its twins leave training, and the smallest id among equals. `cluster_id` is the id of the
    kept row. A commit whose two texts are equal joins no group and is not kept. A document of fewer words than a shingle
    is a duplicate only of an equal one; it can be dropped instead.

    The published method knows nothing of splits, blobs and unchanged texts: of each group it keeps the first row.

    Memory does not grow with the texts (`themis.similarity.clustering`). What does not fit lies in a folder beside `out`
    that is gone when the work is done; one that a killed run left is removed. Raises Problem where rows are not in the
    order of their ids.
    """
    scratch = out.with_name(f".{out.name}.scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        rows = read_rows(retrieved, scratch)
        tables = records.stream(retrieved, "retrieved", _TEXTS, rows=_batch_rows(retrieved))
        batches = (_batch(table, columns, scope, method) for table in tables)
        labels, few = duplicate_clusters(batches, len(rows), method, scratch, threads=threads)
        kept_row = labels if method.published else _benchmark_first(labels, rows.benchmark)
        counts = records.Ledger("deduplicate")
        marked = _marked(retrieved, rows.ids, kept_row, few & (short == "drop"), method, counts)
        records.write(marked, out, "deduplicated", inputs=[retrieved])
        counts.write(ledger, inputs=[retrieved])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _batch_rows(retrieved: Path) -> int:
    """Rows of some megabytes: fewer cost calls, more cost fresh memory."""
    found = pq.read_metadata(retrieved)
    size = sum(found.row_group(at).total_byte_size for at in range(found.num_row_groups))
    return int(np.clip(_BATCH_BYTES * found.num_rows // max(size, 1), 1, records.tables.GROUP_ROWS))


def _batch(table: pa.Table, columns: Sequence[Key], scope: str, method: Method) -> Documents:
    texts = documents(table, columns)
    scopes = _scopes(table["language"]) if scope == "language" else np.zeros(len(table), np.uint64)
    if method.published:
        return Documents(texts, scopes, np.ones(len(table), bool))
    blobs = pl.from_arrow(table.select(["old_blob", "new_blob"])).hash_rows().to_numpy()
    return Documents(texts, scopes, _changed(table), blobs)


def _scopes(languages: pa.ChunkedArray) -> np.ndarray:
    coded = languages.combine_chunks().dictionary_encode()
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in coded.dictionary.to_pylist()]
    return np.frombuffer(b"".join(digests), "<u8")[coded.indices.to_numpy()]


def _changed(table: pa.Table) -> np.ndarray:
    return pc.not_equal(table["old_contents"], table["new_contents"]).to_numpy()


def _benchmark_first(labels: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """The row kept of each one's cluster: its first benchmark row, where it has none its first row."""
    kept = np.full(len(labels), len(labels))
    rows = np.flatnonzero(benchmark)
    np.minimum.at(kept, labels[rows], rows)
    kept = kept[labels]
    return np.where(kept < len(labels), kept, labels)


def _marked(
    retrieved: Path, ids: pa.Array, kept_row: np.ndarray, too_short: np.ndarray, method: Method, ledger: records.Ledger
) -> Iterator[pa.Table]:
    """The rows with cluster_id and kept, counted in the ledger as they pass."""
    first = 0
    for table in records.stream(retrieved, "retrieved", rows=_batch_rows(retrieved)):
        here = np.arange(first, first + len(table))
        first += len(table)
        same = ~_changed(table) & (not method.published)
        alone = kept_row[here] == here
        outcome = np.select([same, too_short[here], ~alone], [NO_CHANGE, SHORT, NEAR_DUPLICATE], "")
        for split, reason, rows in (
            pl.DataFrame({"split": table["split"], "reason": outcome}).group_by(pl.all()).len().iter_rows()
        ):
            if reason:
                ledger.drop(reason, split, rows)
            else:
                ledger.keep(split, rows)
        table = table.append_column("cluster_id", ids.take(pa.array(kept_row[here])))
        yield table.append_column("kept", pa.array(outcome == ""))
