"""Read and write the kit's Parquet tables: schema checked, whole or not at all, provenance in the metadata."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from themis import __version__
from themis.ahead import ahead
from themis.disk import writing
from themis.errors import Problem
from themis.records.schemas import SCHEMAS

GROUP_ROWS, GROUP_BYTES = 4096, 1 << 25  # of a row group at most, give or take one row: what a reader has to hold
STUDY_VARIABLE = "THEMIS_STUDY_HASH"  # set by the workflow for every step it starts


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write(
    table: pa.Table | Iterable[pa.Table],
    path: Path,
    schema: str,
    *,
    inputs: Sequence[Path] = (),
    seed: int | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write one table, or a stream of tables of the same schema, to `path` under the schema's name.

    Columns are put in the schema's order and cast to its types; how a stream was cut does not change the bytes. The file
    appears under its name only when complete. `notes` go into its metadata beside the provenance.
    Raises Problem where a column is missing, unknown, of another type, or null where it may not be, and where the disk
    refuses the file.
    """
    path = Path(path)
    noted = {f"themis.{name}": text for name, text in (notes or {}).items()}
    expected = SCHEMAS[schema].with_metadata(noted | _provenance(schema, inputs, seed))
    parts = [table] if isinstance(table, pa.Table) else table
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            with pq.ParquetWriter(name, expected, compression="zstd") as writer, ThreadPoolExecutor(1) as pool:
                groups = _groups(_conform(part, expected, schema, path) for part in parts)
                for _ in ahead(pool, writer.write_table, groups):
                    pass
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def read(path: Path, schema: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table at `path`, checked against the schema's name. Raises Problem where it is not such a table."""
    names = check(path, schema, columns)
    with _readable(Path(path)):
        table = pq.read_table(path, columns=names, partitioning=None)
    return _conform(table, _schema(schema, names), schema, Path(path))


def stream(path: Path, schema: str, columns: Sequence[str] | None = None, rows: int = GROUP_ROWS) -> Iterator[pa.Table]:
    """The same in tables of at most `rows` rows, in their order; no more than one row group is held."""
    names = check(path, schema, columns)
    with _readable(Path(path)), pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=rows, columns=names):
            yield _conform(pa.Table.from_batches([batch]), _schema(schema, names), schema, Path(path))


def check(path: Path, schema: str, columns: Sequence[str] | None = None) -> list[str]:
    """The columns wanted of the table at `path`. Raises Problem where there is no such table, or it lacks one."""
    path = Path(path)
    if not path.exists():
        raise Problem(f"{path}: no such file; the step that writes it has not run")
    with _readable(path):
        found = pq.read_schema(path).names
    names = list(columns) if columns else SCHEMAS[schema].names
    missing = [name for name in names if name not in found]
    if missing:
        raise Problem(f"{path}: columns {', '.join(missing)} are missing from what should be a {schema} table")
    return names


def metadata(path: Path) -> dict[str, str]:
    """The provenance of a table: schema, code version, study hash, seed, the digests of its inputs, and its notes."""
    raw = pq.read_schema(path).metadata or {}
    return {
        key.decode().removeprefix("themis."): value.decode() for key, value in raw.items() if key.startswith(b"themis.")
    }


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise Problem(
            f"{path}: not a readable Parquet file ({_first_line(error)}); delete it and run its step again"
        ) from None


def _schema(schema: str, names: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMAS[schema].field(name) for name in names])


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows cut anew: a group ends with the row that brings it to GROUP_ROWS or to GROUP_BYTES of text."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        ends = np.cumsum(_text_bytes(table))
        start = 0
        while start < table.num_rows:
            before = ends[start - 1] if start else 0
            full = int(np.searchsorted(ends, before + GROUP_BYTES - size)) + 1
            stop = min(full, start + GROUP_ROWS - rows, table.num_rows)
            waiting.append(table.slice(start, stop - start))
            rows, size, start = rows + stop - start, size + int(ends[stop - 1] - before), stop
            if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                yield pa.concat_tables(waiting)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting)


def _text_bytes(table: pa.Table) -> np.ndarray:
    """Bytes of each row's plain text columns, and about those of its lists."""
    total = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy()
        elif pa.types.is_list(column.type):
            total += 128 * pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
    return total


def _conform(table: pa.Table, expected: pa.Schema, schema: str, path: Path) -> pa.Table:
    unknown = [name for name in table.column_names if name not in expected.names]
    missing = [name for name in expected.names if name not in table.column_names]
    if unknown or missing:
        raise Problem(f"{path}: not a {schema} table: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    try:
        table = table.select(expected.names).cast(expected)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise Problem(f"{path}: not a {schema} table: {_first_line(error)}") from None
    for field in expected:
        if not field.nullable and table.column(field.name).null_count:
            raise Problem(f"{path}: {schema}.{field.name} has {table.column(field.name).null_count} missing values")
    return table.replace_schema_metadata(expected.metadata)


def _provenance(schema: str, inputs: Sequence[Path], seed: int | None) -> dict[str, str]:
    files = [Path(path) for path in inputs if Path(path).is_file()]
    names = Counter(path.name for path in files)
    # Files of one name, such as the scores of several runs, are told apart by their folders.
    digests = {
        path.name if names[path.name] == 1 else f"{path.parent.name}/{path.name}": file_digest(path) for path in files
    }
    return {
        "themis.schema": schema,
        "themis.version": __version__,
        "themis.study": os.environ.get(STUDY_VARIABLE, ""),
        "themis.seed": "" if seed is None else str(seed),
        "themis.inputs": json.dumps(digests, sort_keys=True),
    }


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
