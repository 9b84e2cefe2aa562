"""Retrieved tables to deduplicate, and the deduplicated rows of one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from themis import records
from themis.dedup.deduplicate import deduplicate
from themis.similarity.signatures import Method

Row = tuple[str, str, str, str, str]  # id, split, language, old, new


def write_retrieved(rows: list[Row], path: Path) -> Path:
    """The rows as a `retrieved` table, in the order given."""
    full = [
        {
            "id": name, "commit": name, "repository": "o/n", "repositories": ["o/n"], "license": "mit", "path": "a.py",
            "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": f"old {old}", "new_blob": f"new {new}",
            "subject": "s", "message": "m", "committed_at": 0, "language": language, "split": split,
            "old_contents": old, "new_contents": new, "encoding": "utf-8",
        }
        for name, split, language, old, new in rows
    ]  # fmt: skip
    records.write(pa.Table.from_pylist(full, records.SCHEMAS["retrieved"]), path, "retrieved")
    return path


def run(rows: list[Row], folder: Path, method: Method | None = None, **settings) -> tuple[list[dict], list[dict]]:
    """The rows with cluster_id and kept, and the ledger's."""
    retrieved = write_retrieved(sorted(rows), folder / "retrieved.parquet")
    out, ledger = folder / "out.parquet", folder / "ledger.parquet"
    deduplicate(retrieved, out, ledger, method=method or Method(shingle=3, permutations=128), **settings)
    return records.read(out, "deduplicated").to_pylist(), records.read(ledger, "attrition").to_pylist()
