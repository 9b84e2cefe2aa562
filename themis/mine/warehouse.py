"""Where the mining query runs: the seam, and its back end that runs BigQuery SQL on Parquet tables with DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.mine.database import database

TABLES = ("commits", "licenses", "languages")


class Warehouse(Protocol):
    """Runs a query written in BigQuery SQL over the tables commits, licenses and languages of `dataset`."""

    dataset: str

    def run(self, sql: str, work: Path) -> AbstractContextManager[list[Path]]:
        """Parquet files below the folder `work` with the rows of the query, in no particular order.

        Raises Problem where the query cannot be run.
        """
        ...


class DuckDB:
    """The tables that `themis tables` writes, in one folder."""

    dataset = ""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.paths = {table: Path(folder) / f"{table}.parquet" for table in TABLES}
        self._threads = threads or os.cpu_count() or 1
        for table, path in self.paths.items():
            _check(path, table)

    @contextmanager
    def run(self, sql: str, work: Path) -> Iterator[list[Path]]:
        """One file with the rows of the query, which is transpiled to DuckDB's dialect; it is gone afterwards."""
        import sqlglot

        (statement,) = sqlglot.transpile(sql, read="bigquery", write="duckdb")
        Path(work).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".query.", dir=work) as folder:
            out = Path(folder) / "rows.parquet"
            with database(out, self._threads) as connection:
                for table, path in self.paths.items():
                    connection.read_parquet(str(path)).create_view(table)
                connection.sql(statement).write_parquet(str(out), compression="zstd")
            yield [out]


def _check(path: Path, table: str) -> None:
    if not path.is_file():
        raise Problem(f"{path}: no such file; `themis tables` writes it")
    try:
        found = (pq.read_schema(path).metadata or {}).get(b"themis.schema", b"").decode()
    except (pa.ArrowInvalid, OSError):
        raise Problem(f"{path}: not a readable Parquet file; delete it and run `themis tables` again") from None
    if found != table:
        raise Problem(f"{path}: not a {table} table; `themis tables` writes it")
