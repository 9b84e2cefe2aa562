"""A DuckDB database that lies on disk while a query runs, so that memory does not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from themis.errors import Problem

if TYPE_CHECKING:
    import duckdb

_MEMORY = "1GB"


@contextmanager
def database(beside: Path, threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database in a folder beside the file `beside`, deleted at the end; what does not fit into 1 GB spills.

    An error of DuckDB within becomes a Problem that names `beside`.
    """
    import duckdb

    beside = Path(beside)
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{beside.name}.", dir=beside.parent) as folder:
        settings = {
            "memory_limit": _MEMORY,
            "temp_directory": folder,
            "threads": threads,
            "autoinstall_known_extensions": False,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(str(Path(folder) / "rows.duckdb"), config=settings) as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise Problem(f"{beside}: cannot be made: {str(error).splitlines()[0]}") from None


def fill(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, pa.Array]) -> None:
    """Make a table of the columns given."""
    connection.register("given", pa.table(dict(columns)))
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    connection.unregister("given")


def text(value: object) -> str:
    """A value as an SQL string, for the statements that take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"
