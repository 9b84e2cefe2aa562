"""Blobs over the network, kept in parts on disk so that nothing is fetched twice."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from themis.repositories.fetch import TooMuch, bring
from themis.repositories.network import Network, Unreached
from themis.repositories.objects import Blob, read_own

_FORM = 1  # of a part; another form makes parts of other names
_SCHEMA = pa.schema([("oid", pa.string()), ("size", pa.int64()), ("data", pa.binary())])
_REQUESTS = b"requests"
_BATCH_BYTES = 1 << 24

# A part that holds the answer to each object id asked for, or why there is none.
Answer = Path | Unreached


def fetch_parts(
    url: str, chunks: Sequence[Sequence[str]], work: Path, network: Network, max_bytes: int
) -> tuple[list[Answer], int]:
    """The answer to each chunk of object ids, and the number of requests it took, then or in an earlier run.

    A part that is there already is not fetched again; one is there only when complete. After a failure the chunks that
    are not there yet fail as well. `work` holds one request's worth of packs meanwhile.
    """
    answers: list[Answer] = []
    failure: Unreached | None = None
    before = network.requests[url]
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=work) as scratch:
        for oids in chunks:
            path = work / _name(url, oids, max_bytes)
            if not path.exists() and failure is None:
                try:
                    _write(path, _brought(url, oids, Path(scratch) / "git", network, max_bytes), url, network)
                except Unreached as problem:
                    failure = problem
            answers.append(path if path.exists() else failure)
    parts = [answer for answer in answers if isinstance(answer, Path)]
    if failure is None:
        return answers, sum(int(pq.read_metadata(part).metadata[_REQUESTS]) for part in parts)
    return answers, network.requests[url] - before


def read_part(path: Path) -> Iterator[Blob]:
    """The blobs of a part, in the order in which they were asked for."""
    with pq.ParquetFile(path) as part:
        for batch in part.iter_batches(batch_size=256):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Blob(*row)


def _name(url: str, oids: Sequence[str], max_bytes: int) -> str:
    return hashlib.sha256(json.dumps([_FORM, url, max_bytes, *oids]).encode()).hexdigest()[:32] + ".parquet"


def _brought(url: str, oids: Sequence[str], scratch: Path, network: Network, max_bytes: int) -> Iterator[Blob]:
    """The blobs, some at a time where all together fill more disk than they may."""
    groups = [list(oids)]
    while groups:
        group = groups.pop()
        try:
            whole = bring(url, group, scratch, network)
        except TooMuch:
            if len(group) == 1:
                yield Blob(group[0], network.limits.scratch_mb * 1_000_000, None)
            else:
                groups += [group[len(group) // 2 :], group[: len(group) // 2]]
            whole = False
        else:
            yield from read_own(scratch, group, max_bytes, url=url)
        if not whole:
            shutil.rmtree(scratch)


def _write(path: Path, blobs: Iterable[Blob], url: str, network: Network) -> None:
    """Write a part, whole or not at all."""
    before = network.requests[url]
    unfinished = path.with_suffix(".part")
    try:
        with pq.ParquetWriter(unfinished, _SCHEMA, compression="zstd") as writer:
            held: list[Blob] = []
            size = 0
            for blob in blobs:
                held.append(blob)
                size += len(blob.data or b"") + 100
                if size > _BATCH_BYTES:
                    writer.write_batch(_batch(held))
                    held, size = [], 0
            writer.write_batch(_batch(held))
            writer.add_key_value_metadata({_REQUESTS: str(network.requests[url] - before)})
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _batch(blobs: list[Blob]) -> pa.RecordBatch:
    rows = [[blob.oid for blob in blobs], [blob.size for blob in blobs], [blob.data for blob in blobs]]
    return pa.record_batch([pa.array(row, kind) for row, kind in zip(rows, _SCHEMA.types, strict=True)], schema=_SCHEMA)
