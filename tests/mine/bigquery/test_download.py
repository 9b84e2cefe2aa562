"""Results of BigQuery in parts: a killed run goes on where it was, by REST and by the Storage API."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import grpc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud.bigquery_storage import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

from themis.errors import Problem
from themis.mine.query import forks_query, mining_query
from themis.vocabulary import LICENSES, MINED_LANGUAGES

QUERY = mining_query(list(LICENSES), MINED_LANGUAGES, 10, 15000, dataset="bigquery-public-data.github_repos")


def _rows(parts: list[Path]) -> list[dict]:
    return pa.concat_tables(pq.read_table(part) for part in parts).sort_by("commit").to_pylist()


def _result(warehouse, work: Path, sql: str = QUERY) -> list[dict]:
    with warehouse.run(sql, work) as parts:
        return _rows(parts)


def test_parts_are_of_the_size_asked_for(service, warehouse, tmp_path: Path):
    with warehouse(part_rows=250).run(QUERY, tmp_path) as parts:
        assert [pq.read_metadata(part).num_rows for part in parts] == [250, 250, 250, 51]
    assert service.starts == [0]


def test_an_interrupted_download_goes_on(service, warehouse, tmp_path: Path):
    expected = _result(warehouse(), tmp_path / "whole")
    service.asked.clear()
    service.deny_from = 500
    with pytest.raises(Problem, match="denied"):
        _result(warehouse(part_rows=100), tmp_path / "work")
    service.deny_from = None
    assert _result(warehouse(part_rows=100), tmp_path / "work") == expected
    assert service.starts == [0, 500]
    assert service.paid == []


def test_a_run_killed_between_parts_goes_on(service, warehouse, tmp_path: Path):
    """The command itself, in a process of its own, which finds the service as it would find an emulator."""
    service.stop_at = 300
    arguments = ["bigquery", "mined.parquet", "--forks", "forks.parquet", "--ledger", "ledger.parquet", "--project", "payer", "--part-rows", "100"]  # fmt: skip
    command = [sys.executable, "-c", "from themis.cli import main; main()", "mine", *arguments]
    settings = {**os.environ, "BIGQUERY_EMULATOR_HOST": service.address}
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=subprocess.PIPE) as process:
        assert service.stopped.wait(60)
        process.send_signal(signal.SIGKILL)
    assert sorted(path.name for path in tmp_path.glob("parts/*/0*.parquet")) == [f"{i:012d}.parquet" for i in (0, 100, 200)]  # fmt: skip
    assert not (tmp_path / "mined.parquet").exists()
    service.stop_at = None
    service.resume.set()
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    assert service.starts == [0, 300, 0]  # the last is of the forks
    assert len(service.paid) == 2
    assert "was started before; nothing is paid again" in done.stderr
    assert pq.read_metadata(tmp_path / "mined.parquet").num_rows == 800


def test_rows_that_are_missing_are_noticed(service, warehouse, tmp_path: Path):
    service.hidden_rows = 3
    with pytest.raises(Problem, match="rows end 3 rows before they should"):
        _result(warehouse(part_rows=100), tmp_path)


def test_other_parts_are_not_mixed_in(service, warehouse, tmp_path: Path):
    expected = _result(warehouse(part_rows=100), tmp_path)
    with warehouse(part_rows=333).run(QUERY, tmp_path) as parts:
        assert len(parts) == 3 and len(list(parts[0].parent.glob("0*.parquet"))) == 3
        assert _rows(parts) == expected


def test_an_empty_result_has_its_columns(service, warehouse, tmp_path: Path):
    nothing = forks_query("bigquery-public-data.github_repos") + " AND FALSE"
    with warehouse().run(nothing, tmp_path) as (part,):
        table = pq.read_table(part)
        assert (table.num_rows, table.column_names) == (0, ["repo_name", "other"])


class _Storage:
    """The Storage API's two calls over the tables of `service`; a session ends when `session` changes."""

    def __init__(self, service) -> None:
        self.service, self.session, self.denied = service, 1, False
        self.offsets: list[int] = []
        self.breaks_at: int | None = None

    def create(self, request: types.CreateReadSessionRequest, context: grpc.ServicerContext) -> types.ReadSession:
        if self.denied:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not here")
        name = request.read_session.table.rsplit("/", 1)[1]
        return types.ReadSession(streams=[types.ReadStream(name=f"projects/p/locations/l/sessions/{self.session}/streams/{name}")])  # fmt: skip

    def read(self, request: types.ReadRowsRequest, context: grpc.ServicerContext):
        session, name = request.read_stream.split("/")[-3::2]
        if session != str(self.session):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the session has expired")
        self.offsets.append(request.offset)
        table = self.service.results[name]
        for start in range(request.offset, table.num_rows, 70):
            if self.breaks_at is not None and start >= self.breaks_at:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "denied")
            batch = table.slice(start, 70).combine_chunks().to_batches()[0]
            yield types.ReadRowsResponse(
                row_count=batch.num_rows,
                arrow_record_batch=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
                arrow_schema=types.ArrowSchema(serialized_schema=table.schema.serialize().to_pybytes()) if start == request.offset else None,
            )  # fmt: skip


@pytest.fixture
def storage(service):
    calls = _Storage(service)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    handlers = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(
            calls.create, types.CreateReadSessionRequest.deserialize, types.ReadSession.serialize
        ),
        "ReadRows": grpc.unary_stream_rpc_method_handler(
            calls.read, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
        ),
    }
    name = "google.cloud.bigquery.storage.v1.BigQueryRead"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        calls.reader = BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))
        yield calls
    server.stop(None).wait()


def test_the_storage_api_gives_the_same_rows(service, warehouse, storage, tmp_path: Path):
    expected = _result(warehouse(), tmp_path / "rest")
    service.asked.clear()
    with warehouse(part_rows=250, reader=storage.reader).run(QUERY, tmp_path / "stream") as parts:
        assert [pq.read_metadata(part).num_rows for part in parts] == [250, 250, 250, 51]
        assert _rows(parts) == expected
    assert (service.starts, storage.offsets) == ([], [0])


def test_a_stream_goes_on_at_its_offset(warehouse, storage, tmp_path: Path):
    expected = _result(warehouse(), tmp_path / "rest")
    storage.breaks_at = 420
    with pytest.raises(Problem, match="denied"):
        _result(warehouse(part_rows=100, reader=storage.reader), tmp_path)
    storage.breaks_at = None
    assert _result(warehouse(part_rows=100, reader=storage.reader), tmp_path) == expected
    assert storage.offsets == [0, 400]


def test_an_expired_session_is_fetched_anew(warehouse, storage, tmp_path: Path):
    expected = _result(warehouse(), tmp_path / "rest")
    storage.breaks_at = 420
    with pytest.raises(Problem, match="denied"):
        _result(warehouse(part_rows=100, reader=storage.reader), tmp_path)
    storage.breaks_at, storage.session = None, 2
    assert _result(warehouse(part_rows=100, reader=storage.reader), tmp_path) == expected
    assert storage.offsets == [0, 0]


def test_where_the_storage_api_is_denied_rows_come_by_rest(service, warehouse, storage, tmp_path: Path, capsys):
    storage.denied = True
    assert _result(warehouse(reader=storage.reader), tmp_path / "one") == _result(warehouse(), tmp_path / "two")
    assert (storage.offsets, service.starts) == ([], [0, 0])
    assert "Storage API may not be used here" in capsys.readouterr().err


def test_a_stream_is_not_continued_by_rest(service, warehouse, storage, tmp_path: Path):
    expected = _result(warehouse(), tmp_path / "rest")
    storage.breaks_at = 420
    with pytest.raises(Problem, match="denied"):
        _result(warehouse(part_rows=100, reader=storage.reader), tmp_path)
    service.asked.clear()
    assert _result(warehouse(part_rows=100), tmp_path) == expected
    assert service.starts == [0]
