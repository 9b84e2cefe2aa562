"""Where the mining query runs: the seam, and its back end that runs BigQuery SQL on Parquet tables with DuckDB."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem

TABLES = ("commits", "licenses", "languages")


class Warehouse(Protocol):
    """Runs a query written in BigQuery SQL over the tables commits, licenses and languages of `dataset`."""

    dataset: str

    def run(self, sql: str) -> pa.Table:
        """The rows of the query, in no particular order. Raises Problem where it cannot be run."""
        ...


class DuckDB:
    """The tables that `themis tables` writes, in one folder."""

    dataset = ""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.paths = {table: Path(folder) / f"{table}.parquet" for table in TABLES}
        self._threads = threads
        for table, path in self.paths.items():
            _check(path, table)

    def run(self, sql: str) -> pa.Table:
        """The rows of the query, transpiled to DuckDB's dialect."""
        import duckdb
        import sqlglot

        (statement,) = sqlglot.transpile(sql, read="bigquery", write="duckdb")
        with tempfile.TemporaryDirectory(prefix="themis-duckdb-") as spill:
            settings = {
                "temp_directory": spill,
                "autoinstall_known_extensions": False,
                "preserve_insertion_order": False,
                **({"threads": self._threads} if self._threads else {}),
            }
            with duckdb.connect(config=settings) as connection:
                for table, path in self.paths.items():
                    connection.read_parquet(str(path)).create_view(table)
                try:
                    return connection.sql(statement).to_arrow_table()
                except duckdb.Error as error:
                    told = str(error).splitlines()[0]
                    raise Problem(f"{self.paths['commits'].parent}: the mining query failed: {told}") from None


def _check(path: Path, table: str) -> None:
    if not path.is_file():
        raise Problem(f"{path}: no such file; `themis tables` writes it")
    try:
        found = (pq.read_schema(path).metadata or {}).get(b"themis.schema", b"").decode()
    except (pa.ArrowInvalid, OSError):
        raise Problem(f"{path}: not a readable Parquet file; delete it and run `themis tables` again") from None
    if found != table:
        raise Problem(f"{path}: not a {table} table; `themis tables` writes it")
