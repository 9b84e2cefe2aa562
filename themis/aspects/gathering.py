"""Join the labels of all shards to their commits, and cap the labelled rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis import records
from themis.aspects.caps import within_caps
from themis.errors import Problem
from themis.progress import bar

NO_CRITERION = "no criterion"
ROW_CAP = "row cap"
_ROWS = 1024  # with their contents, held at a time


def gather_aspects(
    deduplicated: Path,
    shards: Sequence[Path],
    out: Path,
    ledger: Path,
    *,
    caps: Mapping[str, int | None],
    seed: int,
) -> None:
    """Write the `labelled` table of the rows kept so far, sorted by id, and the ledger of stage "aspects" by split.

    Rows without an aspect, and those beyond the split's cap in `caps`, stay in the table with kept = False. Raises
    Problem where the shards are not of exactly the kept rows.
    """
    labels = pa.concat_tables([records.read(shard, "aspects") for shard in shards]).sort_by("id").combine_chunks()
    rows = _kept(deduplicated, ("id", "split", "language"))
    facts = pa.concat_tables([records.SCHEMAS["deduplicated"].empty_table().select(["id", "split", "language"]), *rows])
    if not facts["id"].combine_chunks().equals(labels["id"].combine_chunks()):
        raise Problem(
            f"{deduplicated}: its kept rows are not those of the {len(shards)} shards; run label-aspects again"
        )
    splits, aspects = facts["split"].to_pylist(), labels["aspect"].to_pylist()
    by_term = pc.equal(labels["reached"], "term").to_pylist()
    kept = within_caps(facts["id"].to_pylist(), splits, aspects, facts["language"].to_pylist(), by_term, caps, seed)
    records.write(_joined(deduplicated, labels, kept), out, "labelled", inputs=[deduplicated], seed=seed)
    _account(splits, aspects, kept).write(ledger, inputs=[deduplicated])


def _kept(deduplicated: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The kept rows in the table's order, which is that of their ids."""
    for table in records.stream(deduplicated, "deduplicated", (*columns, "kept") if columns else None, rows=_ROWS):
        part = table.filter(table["kept"])
        yield part.select(columns) if columns else part


def _joined(deduplicated: Path, labels: pa.Table, kept: np.ndarray) -> Iterator[pa.Table]:
    start = 0
    yield records.SCHEMAS["labelled"].empty_table()
    with bar("labelled", len(labels)) as shown:
        for table in _kept(deduplicated):
            here = labels.slice(start, len(table))
            table = table.set_column(
                table.column_names.index("kept"), "kept", pa.array(kept[start : start + len(table)])
            )
            for name in here.column_names[1:]:
                table = table.append_column(name, here[name])
            start += len(table)
            yield table
            shown.update(len(table))


def _account(splits: list[str], aspects: list[str | None], kept: np.ndarray) -> records.Ledger:
    ledger = records.Ledger("aspects")
    split, labelled = np.array(splits, dtype=object), np.array([aspect is not None for aspect in aspects], bool)
    for scope in sorted(set(splits)):
        here = split == scope
        ledger.keep(scope, int((here & kept).sum()))
        ledger.drop(NO_CRITERION, scope, int((here & ~labelled).sum()))
        ledger.drop(ROW_CAP, scope, int((here & labelled & ~kept).sum()))
    return ledger
