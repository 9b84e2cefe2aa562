"""Fetch a BigQuery table in parts of fixed size; what is there is not fetched again."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.progress import bar

if TYPE_CHECKING:
    from google.cloud import bigquery
    from google.cloud.bigquery_storage import BigQueryReadClient
    from tqdm import tqdm

_MANIFEST = "download.json"  # {rows, part_rows, stream}: stream is the Storage API's, null where REST is used
_PAGE_ROWS = 10_000


def complete(folder: Path, part_rows: int) -> list[Path] | None:
    """The parts of a finished download into `folder`, or None where it is not finished."""
    state = _state(folder)
    if state is None or state["part_rows"] != part_rows:
        return None
    parts = _parts(folder, state["rows"], part_rows)
    return parts if all(part.exists() for part in parts) else None


def download(
    client: bigquery.Client, reader: BigQueryReadClient | None, table: bigquery.Table, folder: Path, part_rows: int
) -> list[Path]:
    """Parquet files in `folder` with all rows of the table, `part_rows` each; no more than a page is held in memory.

    Rows come as one Arrow stream from the Storage API where there is a `reader` that may use it, else in JSON pages by
    REST. Each part appears when it is whole, and a part that is there stays: by REST a row's number does not change, and
    of a stream the server knows the offset as long as its session lives (hours); after that all parts are fetched anew.
    Raises Problem where rows are missing, and the client's own errors.
    """
    from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound

    state = _state(folder)
    known = state and (state["part_rows"], state["rows"]) == (part_rows, table.num_rows)
    if not known or (state["stream"] and reader is None):
        state = _start(client, reader, table, folder, part_rows)
    try:
        return _fetch(client, reader, table, folder, state)
    except (FailedPrecondition, InvalidArgument, NotFound):
        if not state["stream"]:
            raise
        state = _start(client, reader, table, folder, part_rows)
        return _fetch(client, reader, table, folder, state)


def _start(
    client: bigquery.Client, reader: BigQueryReadClient | None, table: bigquery.Table, folder: Path, part_rows: int
) -> dict:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stream = _stream(client.project, reader, table) if reader and table.num_rows else None
    state = {"rows": table.num_rows, "part_rows": part_rows, "stream": stream}
    unfinished = folder / f".{_MANIFEST}.part"
    unfinished.write_text(json.dumps(state), encoding="utf-8")
    unfinished.replace(folder / _MANIFEST)
    return state


def _stream(project: str, reader: BigQueryReadClient, table: bigquery.Table) -> str | None:
    """The name of a stream of all rows; None where the account may not use the Storage API."""
    from google.api_core.exceptions import MethodNotImplemented, PermissionDenied
    from google.cloud.bigquery_storage import DataFormat, ReadSession

    place = f"projects/{table.project}/datasets/{table.dataset_id}/tables/{table.table_id}"
    wanted = ReadSession(table=place, data_format=DataFormat.ARROW)
    try:
        # One stream, because then a row's place in it says where to go on.
        session = reader.create_read_session(parent=f"projects/{project}", read_session=wanted, max_stream_count=1)
    except (PermissionDenied, MethodNotImplemented):
        print("BigQuery: the Storage API may not be used here; rows are fetched by REST, slower", file=sys.stderr)
        return None
    return session.streams[0].name


def _fetch(
    client: bigquery.Client, reader: BigQueryReadClient | None, table: bigquery.Table, folder: Path, state: dict
) -> list[Path]:
    rows, part_rows = state["rows"], state["part_rows"]
    parts = _parts(folder, rows, part_rows)
    done = next((i for i, part in enumerate(parts) if not part.exists()), len(parts))
    start = min(done * part_rows, rows)
    with bar("download", rows) as shown:
        shown.update(start)
        if state["stream"]:
            batches = _streamed(reader, state["stream"], start)
        else:
            batches = _paged(client, table, start, min(part_rows, _PAGE_ROWS))
        sizes = [min(part_rows, rows - i * part_rows) for i in range(done, len(parts))]
        _write(batches, parts[done:], sizes, shown)
    return parts


def _paged(client: bigquery.Client, table: bigquery.Table, start: int, page_rows: int) -> Iterator[pa.RecordBatch]:
    listed = client.list_rows(table, start_index=start, page_size=page_rows)
    if table.num_rows:
        yield from listed.to_arrow_iterable()
    else:
        yield pa.RecordBatch.from_pylist([], schema=listed.to_arrow(create_bqstorage_client=False).schema)


def _streamed(reader: BigQueryReadClient, stream: str, start: int) -> Iterator[pa.RecordBatch]:
    schema = None
    for message in reader.read_rows(stream, offset=start):
        if schema is None:  # only the first message carries it
            schema = pa.ipc.read_schema(pa.py_buffer(message.arrow_schema.serialized_schema))
        yield pa.ipc.read_record_batch(pa.py_buffer(message.arrow_record_batch.serialized_record_batch), schema)


def _write(batches: Iterator[pa.RecordBatch], parts: Sequence[Path], sizes: Sequence[int], shown: tqdm) -> None:
    """Parts of exactly so many rows, each renamed when whole."""
    waiting = None
    for part, size in zip(parts, sizes, strict=True):
        unfinished = part.with_name(f".{part.name}.part")
        with contextlib.ExitStack() as stack:
            writer, missing = None, size
            while writer is None or missing:
                if waiting is None or (missing and not waiting.num_rows):
                    waiting = next(batches, None)
                    if waiting is None:
                        raise Problem(
                            f"{part}: BigQuery's rows end {missing} rows before they should; run the step again"
                        )
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(unfinished, waiting.schema, compression="zstd"))
                piece = waiting.slice(0, missing)
                waiting = waiting.slice(piece.num_rows)
                writer.write_batch(piece)
                missing -= piece.num_rows
                shown.update(piece.num_rows)
        unfinished.replace(part)


def _parts(folder: Path, rows: int, part_rows: int) -> list[Path]:
    """The files of the parts, by the number of their first row; an empty table has one too, for its columns."""
    return [folder / f"{start:012d}.parquet" for start in range(0, max(rows, 1), part_rows)]


def _state(folder: Path) -> dict | None:
    try:
        return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
