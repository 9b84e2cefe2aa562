"""What was read and deduplicated: sizes, changed lines, encodings, and groups of near-duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from themis import records
from themis.analysis.attrition import SPLITS

# Rows are sorted by id, which is a hash: the first ones are a random sample, the same in every run.
SAMPLE = 50_000
_ROWS = 1024  # with their texts, held at a time
_MERGE = 1 << 20
_SIZES = {"old_bytes": "Before the change", "new_bytes": "After the change"}
_LINES = {"added": "Lines added", "removed": "Lines removed"}


def measured(path: Path, sample: int = SAMPLE) -> pl.DataFrame:
    """The first `sample` rows of a deduplicated table, measured: id, split, language, kept, old_bytes, new_bytes, added
    and removed (lines; a line that only moved is neither)."""
    parts = [_NOTHING]
    columns = ["id", "split", "language", "kept", "old_contents", "new_contents"]
    left = sample
    for batch in records.stream(path, "deduplicated", columns, rows=_ROWS):
        rows = pl.from_arrow(batch.slice(0, left))
        left -= rows.height
        changes = [_changed_lines(old, new) for old, new in rows.select("old_contents", "new_contents").iter_rows()]
        sizes = rows.select(
            "id",
            "split",
            "language",
            "kept",
            pl.col("old_contents").str.len_bytes().cast(pl.Int64).alias("old_bytes"),
            pl.col("new_contents").str.len_bytes().cast(pl.Int64).alias("new_bytes"),
        )
        counts = pl.DataFrame(changes, schema={"added": pl.Int64, "removed": pl.Int64}, orient="row")
        parts.append(pl.concat([sizes, counts], how="horizontal"))
        if not left:
            break
    return pl.concat(parts)


def bins(measured: pl.DataFrame) -> pl.DataFrame:
    """The sizes in bins that double: quantity (a column of `measured`), said (the same for readers), shortest, longest
    (the upper end excluded; 0 to 1 holds what is 0), commits."""
    parts = []
    for quantity, said in (_SIZES | _LINES).items():
        place = pl.when(pl.col(quantity) > 0).then(pl.col(quantity).log(2).floor().cast(pl.Int64)).otherwise(-1)
        counts = measured.group_by(place=place).agg(commits=pl.len().cast(pl.Int64)).sort("place")
        low, high = (pl.when(pl.col("place") < 0).then(end).otherwise(2 ** (pl.col("place") + end)) for end in (0, 1))
        ends = (low.cast(pl.Int64).alias("shortest"), high.cast(pl.Int64).alias("longest"))
        parts.append(counts.select(pl.lit(quantity).alias("quantity"), pl.lit(said).alias("said"), *ends, "commits"))
    return pl.concat(parts)


def encodings(path: Path) -> pl.DataFrame:
    """How the texts were encoded, the most frequent first: encoding (old,new where they differ), train, benchmark."""
    parts = [pl.DataFrame(schema={"encoding": pl.String, "split": pl.String, "commits": pl.Int64})]
    for batch in records.stream(path, "deduplicated", ["encoding", "split"], rows=_MERGE):
        parts.append(pl.from_arrow(batch).group_by("encoding", "split").agg(commits=pl.len().cast(pl.Int64)))
    return _by_split(pl.concat(parts), "encoding")


def outcomes(flow: pl.DataFrame, stage: str = "retrieve") -> pl.DataFrame:
    """Why a stage dropped rows, the most frequent reason first: reason, train, benchmark. `flow` is what
    `attrition.flow` returns."""
    rows = flow.filter(pl.col("stage") == stage, pl.col("reason").is_not_null())
    return _by_split(rows.select("reason", split="lane", commits="rows_dropped"), "reason")


def clusters(path: Path) -> pl.DataFrame:
    """Groups of near-duplicates by their size, in bins that double: fewest, most (members), clusters, rows. A row with no
    near-duplicate is a group of one."""
    keys = [pl.Series("cluster_id", [], pl.UInt64)]
    for batch in records.stream(path, "deduplicated", ["cluster_id"], rows=_MERGE):
        keys.append(pl.from_arrow(batch)["cluster_id"].hash())  # 8 bytes a row
    sizes = pl.concat(keys).to_frame().group_by("cluster_id").agg(size=pl.len().cast(pl.Int64))
    return (
        sizes.group_by(place=pl.col("size").log(2).floor().cast(pl.Int64))
        .agg(clusters=pl.len().cast(pl.Int64), rows=pl.col("size").sum())
        .sort("place")
        .select(
            (2 ** pl.col("place")).cast(pl.Int64).alias("fewest"),
            (2 ** (pl.col("place") + 1) - 1).cast(pl.Int64).alias("most"),
            "clusters",
            "rows",
        )
    )


def largest(path: Path, number: int, shown: int) -> pl.DataFrame:
    """The largest groups of near-duplicates with some of their members: cluster_id, size, id, kept, split, language,
    repository, path, subject, committed_at (seconds since the epoch).

    The largest group comes first; of each at most `shown` members, the kept one first, then the oldest.
    """
    sizes = _largest_sizes(path, number)
    columns = ["cluster_id", "id", "kept", "split", "language", "repository", "path", "subject", "committed_at"]
    keys, descending = ("cluster_id", "kept", "committed_at", "id"), (False, True, False, False)
    empty = records.SCHEMAS["deduplicated"].empty_table().select(columns)
    held = pl.from_arrow(empty)
    for batch in records.stream(path, "deduplicated", columns, rows=1 << 16):
        found = pl.from_arrow(batch).join(sizes, on="cluster_id", how="semi")
        rows = pl.concat([held, found]).sort(keys, descending=descending)
        held = rows.group_by("cluster_id", maintain_order=True).head(shown)
    return (
        held.join(sizes, on="cluster_id")
        .sort("size", *keys, descending=[True, *descending])
        .select("cluster_id", "size", *columns[1:])
    )


def rows_of(path: Path, ids: Sequence[str], columns: Sequence[str], key: str = "id") -> dict[str, dict[str, Any]]:
    """Some columns of the rows with these ids, by id. Only row groups that may hold one of them are decoded."""
    if not ids:
        return {}
    found = pq.read_table(path, columns=[key, *columns], filters=[(key, "in", list(ids))], partitioning=None)
    return {row[key]: row for row in found.to_pylist()}


def lines(text: str) -> list[str]:
    """The lines of a text as git has them: they end at a line feed and nowhere else."""
    return text.removesuffix("\n").split("\n") if text else []


def answer(flow: pl.DataFrame, measured: pl.DataFrame) -> str:
    """What was read and kept in short, with the median file and change. `flow` is what `attrition.flow` returns."""
    read, kept = (_through(flow, stage) for stage in ("retrieve", "deduplicate"))
    said = f"Both contents of {read[1]:,} of {read[0]:,}{_share(read[1], read[0])} selected commits could be read; "
    said += f"{kept[1]:,}{_share(kept[1], kept[0])} of these are left when of near-duplicates one is kept."
    if measured.is_empty():
        return said
    middle = {name: measured[name].median() for name in (*_SIZES, *_LINES)}
    said += f" Medians: {middle['old_bytes']:,.0f} bytes before the change and {middle['new_bytes']:,.0f} after it,"
    return f"{said} {middle['added']:,.0f} lines added and {middle['removed']:,.0f} removed."


def sampled(measured: pl.DataFrame, path: Path) -> str:
    """What the sizes are taken from: all rows, or a sample of how many."""
    rows = pq.read_metadata(path).num_rows
    if measured.height == rows:
        return f"Sizes of all {rows:,} commits."
    return f"Sizes of {measured.height:,} of {rows:,} commits: those whose ids, which are hashes, are the lowest."


_NOTHING = pl.DataFrame(
    schema=dict.fromkeys(("id", "split", "language"), pl.String)
    | {"kept": pl.Boolean}
    | dict.fromkeys((*_SIZES, *_LINES), pl.Int64)
)


def _changed_lines(old: str, new: str) -> tuple[int, int]:
    before, after = Counter(lines(old)), Counter(lines(new))
    return (after - before).total(), (before - after).total()


def _largest_sizes(path: Path, number: int) -> pl.DataFrame:
    """cluster_id and size of the largest groups of two or more, of equal ones the lowest id."""
    parts = [pl.DataFrame(schema={"cluster_id": pl.String, "size": pl.Int64})]
    # A group's id is a member's: the members other than that one are counted, and groups of one cost nothing.
    for batch in records.stream(path, "deduplicated", ["id", "cluster_id"], rows=_MERGE):
        others = pl.from_arrow(batch).filter(pl.col("id") != pl.col("cluster_id"))
        parts.append(others.group_by("cluster_id").agg(size=pl.len().cast(pl.Int64)))
        parts = [pl.concat(parts).group_by("cluster_id").agg(pl.col("size").sum())]
    sizes = parts[0].with_columns(pl.col("size") + 1)
    return sizes.sort("size", "cluster_id", descending=[True, False]).head(number)


def _by_split(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    counts = rows.group_by(name).agg(
        *(pl.col("commits").filter(pl.col("split") == split).sum().alias(split) for split in SPLITS)
    )
    return counts.sort(pl.sum_horizontal(*SPLITS), name, descending=[True, False])


def _through(flow: pl.DataFrame, stage: str) -> tuple[int, int]:
    """Rows in and rows kept of a stage, over its lanes."""
    rows = flow.filter(pl.col("stage") == stage).unique("lane")
    return int(rows["rows_in"].sum()), int(rows["rows_kept"].sum())


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""
