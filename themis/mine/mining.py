"""Mine: run the queries, give every row its id, and account for every commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from themis.mine.database import database
from themis.mine.query import forks_query, mining_query
from themis.mine.warehouse import Warehouse
from themis.progress import bar
from themis.records import SCHEMAS, Ledger, write
from themis.records.sorting import hash_bounds, sorted_by_ranges

_BATCH = 1 << 16
_MINED = """
SELECT substr(sha256("commit" || chr(0) || path), 1, 32) AS id, * EXCLUDE (reason, commits),
  repositories[1] AS repository
FROM read_parquet($parts) WHERE reason IS NULL
"""
_COUNTS = "SELECT reason, sum(commits)::BIGINT AS commits FROM read_parquet($parts) WHERE reason IS NOT NULL GROUP BY 1"
_FORKS = "SELECT repo_name, other FROM read_parquet($parts) ORDER BY repo_name, other"


def mine(
    warehouse: Warehouse,
    out: Path,
    ledger: Path,
    forks: Path,
    *,
    licenses: Sequence[str],
    languages: Sequence[str],
    min_message: int,
    max_message: int,
    inputs: Sequence[Path] = (),
) -> pa.Table:
    """Write the mined table, sorted by id, and the repositories that share commits; the ledger, which is also returned,
    counts every commit of the warehouse.

    An id is the first 32 hex digits of sha256(commit NUL path). A commit that the warehouse lists twice is kept once.
    What a warehouse downloads is kept beside `out`, so that a killed run goes on from there.
    """
    work = Path(out).parent
    account = Ledger("mine")
    account.keep(rows=0)
    settings = {"dataset": warehouse.dataset}
    with warehouse.run(mining_query(licenses, languages, min_message, max_message, **settings), work) as parts:
        for counts in _query(_COUNTS, parts, out):
            for reason, commits in zip(*counts.to_pydict().values(), strict=True):
                account.drop(reason, rows=commits)
        found = sorted_by_ranges(_query(_MINED, parts, out), ["id"], hash_bounds(parts), Path(out))
        write(_distinct(found, account), out, "mined", inputs=inputs)
    with warehouse.run(forks_query(**settings), work) as parts:
        write(_query(_FORKS, parts, forks), forks, "forks", inputs=inputs)
    account.write(ledger, inputs=inputs)
    return account.table()


def _query(sql: str, parts: Sequence[Path], out: Path) -> Iterator[pa.Table]:
    """The rows of a query over Parquet files, in batches; what does not fit into memory spills to disk beside `out`."""
    with database(out) as connection:
        rows = connection.sql(sql, params={"parts": [str(part) for part in parts]})
        for batch in rows.to_arrow_reader(_BATCH):
            yield pa.Table.from_batches([batch])


def _distinct(tables: Iterator[pa.Table], account: Ledger) -> Iterator[pa.Table]:
    """One row of each id, of rows sorted by it; the ledger counts both kinds."""
    names = SCHEMAS["mined"].names
    with bar("mined") as shown:
        for table in tables:
            ids = table["id"].combine_chunks()
            first = pa.concat_arrays([pa.array([True]), pc.not_equal(ids[1:], ids[:-1])])
            kept = table.filter(first)
            if kept.num_rows < table.num_rows:
                # Which of them is kept must not depend on the order they came in.
                keys = list(zip(ids.to_pylist(), table["repositories"].to_pylist(), strict=True))
                kept = table.take(sorted(range(len(keys)), key=keys.__getitem__)).filter(first)
            account.keep(rows=kept.num_rows)
            account.drop("listed twice", rows=table.num_rows - kept.num_rows)
            shown.update(table.num_rows)
            yield kept.select(names)
