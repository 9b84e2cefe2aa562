"""Mine: run the query, give every row its id, and account for every commit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from themis.errors import Problem
from themis.mine.query import mining_query
from themis.mine.warehouse import Warehouse
from themis.records import SCHEMAS, Ledger, write


def mine(
    warehouse: Warehouse,
    out: Path,
    ledger: Path,
    *,
    licenses: Sequence[str],
    min_message: int,
    max_message: int,
    inputs: Sequence[Path] = (),
) -> pa.Table:
    """Write and return the mined table, sorted by id; the ledger counts every commit of the warehouse.

    An id is the first 32 hex digits of sha256(commit NUL path). Raises Problem where the rows found are not as many as
    the commits counted as kept.
    """
    settings = {"dataset": warehouse.dataset}
    rows = warehouse.run(mining_query(licenses, min_message, max_message, **settings))
    counts = warehouse.run(mining_query(licenses, min_message, max_message, **settings, count=True))
    account = Ledger("mine")
    account.keep(rows=rows.num_rows)
    counted = 0
    for reason, commits in zip(counts["reason"].to_pylist(), counts["commits"].to_pylist(), strict=True):
        if reason is None:
            counted = commits
        else:
            account.drop(reason, rows=commits)
    if counted != rows.num_rows:
        raise Problem(f"{out}: the query found {rows.num_rows} rows where {counted} commits qualify; rows repeat")
    ids = [
        hashlib.sha256(f"{commit}\0{path}".encode()).hexdigest()[:32]
        for commit, path in zip(rows["commit"].to_pylist(), rows["path"].to_pylist(), strict=True)
    ]
    firsts = [names[0] for names in rows["repositories"].to_pylist()]
    mined = (
        rows.append_column("id", pa.array(ids, pa.string()))
        .append_column("repository", pa.array(firsts, pa.string()))
        .select(SCHEMAS["mined"].names)
        .cast(SCHEMAS["mined"])
        .sort_by("id")
    )
    write(mined, out, "mined", inputs=inputs)
    account.write(ledger, inputs=inputs)
    return mined
