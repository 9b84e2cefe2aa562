"""Read and write the kit's Parquet tables: schema checked, whole or not at all, provenance in the metadata."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from themis import __version__
from themis.errors import Problem
from themis.records.schemas import SCHEMAS

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
) -> None:
    """Write one table, or a stream of tables of the same schema, to `path` under the schema's name.

    Columns are put in the schema's order and cast to its types. The file appears under its name only when complete.
    Raises Problem where a column is missing, unknown, of another type, or null where it may not be.
    """
    path = Path(path)
    expected = SCHEMAS[schema].with_metadata(_provenance(schema, inputs, seed))
    parts = [table] if isinstance(table, pa.Table) else table
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    try:
        with pq.ParquetWriter(name, expected, compression="zstd") as writer:
            for part in parts:
                writer.write_table(_conform(part, expected, schema, path))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, schema: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table at `path`, checked against the schema's name. Raises Problem where it is not such a table."""
    path = Path(path)
    if not path.exists():
        raise Problem(f"{path}: no such file; the step that writes it has not run")
    try:
        table = pq.read_table(path, columns=list(columns) if columns else None, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise Problem(
            f"{path}: not a readable Parquet file ({_first_line(error)}); delete it and run its step again"
        ) from None
    except KeyError as error:
        raise Problem(f"{path}: column {error} is missing from what should be a {schema} table") from None
    expected = SCHEMAS[schema]
    names = list(columns) if columns else expected.names
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise Problem(f"{path}: columns {', '.join(missing)} are missing from what should be a {schema} table")
    return _conform(table.select(names), pa.schema([expected.field(name) for name in names]), schema, path)


def gather_shards(parts: Sequence[Path], out: Path, schema: str) -> None:
    """Join the shards of a table into one, sorted by every plain column in order, so that shards do not matter.

    Raises Problem where a row is there twice: a shard was given twice, or the shards are of different runs.
    """
    table = pa.concat_tables([read(part, schema) for part in parts])
    keys = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    distinct = table.group_by(keys).aggregate([]).num_rows
    if distinct < table.num_rows:
        raise Problem(f"{out}: {table.num_rows - distinct} rows are in the shards twice; is each given once?")
    write(table.sort_by([(key, "ascending") for key in keys]), out, schema)


def metadata(path: Path) -> dict[str, str]:
    """The provenance of a table: schema, code version, study hash, seed and the digests of its inputs."""
    raw = pq.read_schema(path).metadata or {}
    return {
        key.decode().removeprefix("themis."): value.decode() for key, value in raw.items() if key.startswith(b"themis.")
    }


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
