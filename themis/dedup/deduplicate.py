"""Mark all but one commit of every group of near-duplicates, and the commits that change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.progress import track
from themis.similarity.clusters import Forest
from themis.similarity.minhash import Engine, duplicate_clusters

NEAR_DUPLICATE = "near-duplicate"
NO_CHANGE = "no change"


def deduplicate(
    retrieved: pa.Table, *, engine: Engine, shingle: int, permutations: int, threshold: float, threads: int = 1
) -> tuple[pa.Table, records.Ledger]:
    """All rows as a `deduplicated` table, sorted by id, and the ledger of the stage by split.

    Two commits are duplicates where the word shingles of their old and new text together have a Jaccard similarity of
    at least `threshold` and the language is the same, or where both blobs are identical. Each connected group keeps
    one row: a benchmark row if it has one, so that its twins leave training, and the smallest id among equals.
    `cluster_id` is the id of the kept row. A commit whose two texts are equal joins no group and is not kept.

    Every pair joined is verified, but not every pair is seen: with 256 permutations the bands propose 95 % of the
    pairs exactly at the threshold and 99.9 % of those 0.1 above it.
    """
    retrieved = _kept_first(retrieved)
    rows = len(retrieved)
    changed = pc.not_equal(retrieved["old_contents"], retrieved["new_contents"]).to_numpy()
    forest = Forest(rows)
    _join(forest, np.flatnonzero(changed), _same_blobs(retrieved.filter(pa.array(changed))))
    languages = pc.unique(retrieved["language"]).sort().to_pylist()
    for language in track(languages, "languages", unit="language"):
        of_language = pc.equal(retrieved["language"], language).to_numpy()
        members = np.flatnonzero(of_language & changed)
        texts = _documents(retrieved.take(pa.array(members)))
        _join(forest, members, duplicate_clusters(texts, threshold, shingle, permutations, engine, threads))
    kept_row = forest.labels()
    kept = changed & (kept_row == np.arange(rows))
    table = retrieved.append_column("cluster_id", retrieved["id"].take(pa.array(kept_row)))
    table = table.append_column("kept", pa.array(kept)).sort_by("id")
    return table, _account(retrieved["split"].to_pylist(), changed, kept)


def deduplicate_file(
    retrieved: Path, out: Path, ledger: Path, *, engine: Engine, shingle: int, permutations: int, threshold: float,
    threads: int,
) -> None:  # fmt: skip
    """Read a `retrieved` table, write the `deduplicated` one and the stage's ledger."""
    table, counts = deduplicate(
        records.read(retrieved, "retrieved"),
        engine=engine, shingle=shingle, permutations=permutations, threshold=threshold, threads=threads,
    )  # fmt: skip
    records.write(table, out, "deduplicated", inputs=[retrieved])
    counts.write(ledger, inputs=[retrieved])


def _kept_first(table: pa.Table) -> pa.Table:
    """The rows in the order in which they are preferred: benchmark, then training, by id."""
    keys = pa.table({"training": pc.not_equal(table["split"], "benchmark"), "id": table["id"]})
    return table.take(pc.sort_indices(keys, sort_keys=[("training", "ascending"), ("id", "ascending")]))


def _documents(table: pa.Table) -> pa.ChunkedArray:
    old, new = (table[name].cast(pa.large_string()) for name in ("old_contents", "new_contents"))
    return pc.binary_join_element_wise(old, new, pa.scalar("\n", pa.large_string()))


def _same_blobs(table: pa.Table) -> np.ndarray:
    """For each row the first row with the same old and new blob."""
    pairs = pc.binary_join_element_wise(table["old_blob"], table["new_blob"], " ").combine_chunks()
    codes = pairs.dictionary_encode().indices.to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return first[codes]


def _join(forest: Forest, members: np.ndarray, labels: np.ndarray) -> None:
    """Join each member with the member that its label numbers."""
    apart = labels != np.arange(len(labels))
    for one, other in zip(members[apart].tolist(), members[labels[apart]].tolist(), strict=True):
        forest.join(one, other)


def _account(splits: list[str], changed: np.ndarray, kept: np.ndarray) -> records.Ledger:
    ledger = records.Ledger("deduplicate")
    split = np.array(splits, dtype=object)
    for scope in sorted(set(splits)):
        here = split == scope
        ledger.keep(scope, int((here & kept).sum()))
        ledger.drop(NO_CHANGE, scope, int((here & ~changed).sum()))
        ledger.drop(NEAR_DUPLICATE, scope, int((here & changed & ~kept).sum()))
    return ledger
