"""As much of BigQuery's REST service as the client needs, on loopback: it runs the queries with DuckDB."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from themis.mine.bigquery import BigQuery
from themis.mine.warehouse import DuckDB
from themis.records import SCHEMAS, write

PROJECT, DATASET = "payer", "bigquery-public-data.github_repos"
ROWS = 1000


class Service:
    """What the service knows and was asked; `faults` are (part of a path, status, reason) it answers first."""

    def __init__(self, tables: Path) -> None:
        self.bytes_processed = 5 << 30
        self.jobs: dict[str, dict] = {}
        self.results: dict[str, pa.Table] = {}
        self.asked: list[tuple[str, str, dict, dict]] = []  # method, path, parameters, body
        self.faults: list[tuple[str, int, str]] = []
        self.stop_at: int | None = None  # rows from here on are not given until `resume` is set
        self.deny_from: int | None = None  # rows from here on are refused
        self.hidden_rows = 0  # rows that the table has by its own account and does not give
        self.stopped, self.resume = threading.Event(), threading.Event()
        self._database = duckdb.connect()
        catalog, schema = DATASET.split(".")
        self._database.execute(f"""ATTACH ':memory:' AS "{catalog}"; CREATE SCHEMA "{catalog}".{schema}""")
        for path in tables.glob("*.parquet"):
            name = f'"{catalog}".{schema}.{path.stem}'
            self._database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")

    def close(self) -> None:
        self._database.close()

    @property
    def paid(self) -> list[dict]:
        """The jobs that were started and are not dry runs, as they were asked for."""
        jobs = [body for method, path, _, body in self.asked if method == "POST" and path.endswith("/jobs")]
        return [job for job in jobs if not job["configuration"].get("dryRun")]

    @property
    def starts(self) -> list[int]:
        """The first row of each request for rows that named one."""
        return [int(asked["startIndex"]) for _, path, asked, _ in self.asked if path.endswith("/data") and "startIndex" in asked]  # fmt: skip

    def answer(self, method: str, path: str, asked: dict, body: dict) -> tuple[int, dict]:
        self.asked.append((method, path, asked, body))
        for fault in self.faults:
            if fault[0] in path:
                self.faults.remove(fault)
                return fault[1], _error(*fault[1:])
        words = path.removeprefix("/bigquery/v2/projects/").split("/")
        if method == "POST" and words[1:] == ["jobs"]:
            return self._insert(body)
        if words[1] in ("jobs", "queries"):
            job = self.jobs.get(words[2])
            if job is None:
                return 404, _error(404, "notFound")
            if words[1] == "jobs":
                return 200, job
            if "errorResult" in job["status"]:
                return 400, {"error": {"code": 400, "message": job["status"]["errorResult"]["message"], "errors": [job["status"]["errorResult"]]}}  # fmt: skip
            table = self.results.get(job["configuration"]["query"]["destinationTable"]["tableId"])
            if table is None:
                return 404, _error(404, "notFound")
            return 200, {"jobReference": job["jobReference"], "jobComplete": True, "totalRows": str(table.num_rows), "schema": _schema(table)}  # fmt: skip
        table = self.results.get(words[4])
        if table is None:
            return 404, _error(404, "notFound")
        if words[-1] == "data":
            if self.deny_from is not None and int(asked.get("pageToken", 0)) >= self.deny_from:
                return 403, _error(403, "denied")
            return 200, self._rows(table, asked)
        reference = {"projectId": words[0], "datasetId": words[2], "tableId": words[4]}
        return 200, {
            "tableReference": reference,
            "schema": _schema(table),
            "numRows": str(table.num_rows + self.hidden_rows),
        }

    def _insert(self, body: dict) -> tuple[int, dict]:
        name = body["jobReference"]["jobId"]
        configuration = body["configuration"]
        statistics = {"totalBytesProcessed": str(self.bytes_processed), "query": {"totalBytesProcessed": str(self.bytes_processed), "statementType": "SELECT"}}  # fmt: skip
        job = body | {"status": {"state": "DONE"}, "statistics": statistics}
        if configuration.get("dryRun"):
            return 200, job
        if name in self.jobs:
            return 409, _error(409, "duplicate")
        here = {"projectId": PROJECT, "datasetId": "_hidden", "tableId": f"anon_{name}"}
        place = configuration["query"].setdefault("destinationTable", here)
        self.jobs[name] = job
        statement = sqlglot.transpile(configuration["query"]["query"], read="bigquery", write="duckdb")[0]
        try:
            self.results[place["tableId"]] = self._database.cursor().sql(statement).to_arrow_table()
        except duckdb.Error as error:
            job["status"]["errorResult"] = {"reason": "invalidQuery", "message": str(error)}
        return 200, job

    def _rows(self, table: pa.Table, asked: dict) -> dict:
        start = int(asked.get("pageToken", asked.get("startIndex", 0)))
        if self.stop_at is not None and start >= self.stop_at:
            self.stopped.set()
            self.resume.wait(60)
        stop = min(start + int(asked.get("maxResults", 10_000)), table.num_rows)
        page = table.slice(start, stop - start).to_pylist()
        rows = [{"f": [{"v": _value(value)} for value in row.values()]} for row in page]
        more = {"pageToken": str(stop)} if stop < table.num_rows else {}
        return {"totalRows": str(table.num_rows), "rows": rows, **more}


def _value(value):
    if isinstance(value, list):
        return [{"v": _value(one)} for one in value]
    return str(value) if isinstance(value, int) else value


def _schema(table: pa.Table) -> dict:
    fields = []
    for field in table.schema:
        repeated = pa.types.is_list(field.type)
        kind = field.type.value_type if repeated else field.type
        fields.append({"name": field.name, "type": "INTEGER" if pa.types.is_integer(kind) else "STRING", "mode": "REPEATED" if repeated else "NULLABLE"})  # fmt: skip
    return {"fields": fields}


def _error(status: int, reason: str) -> dict:
    told = {"reason": reason, "message": f"told so: {reason}"}
    return {"error": {"code": status, "message": told["message"], "errors": [told]}}


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, answer = service.answer(self.command, parts.path, asked, body)
            data = json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # the client was killed
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder of the three tables: every tenth commit is shared by two repositories, every fifth is dropped."""
    folder = tmp_path / "tables"
    names = [f"owner{i % 7}/tool" for i in range(ROWS)]
    change = {"old_mode": 33188, "new_mode": 33188, "old_sha1": "1" * 40, "new_sha1": "2" * 40}
    rows = [
        {
            "commit": f"{i:040x}",
            "subject": f"fix number {i}",
            "message": f'fix number {i}, it\'s \\ "ünïcode"\n' if i % 5 else "wip\n",
            "author": {"name": "Ada", "email": "ada@example.org", "time_sec": i},
            "committer": {"name": "Ada", "email": "ada@example.org", "time_sec": i},
            "parent": ["p" * 40],
            "repo_name": [name] if i % 10 else [name, "owner9/fork"],
            "difference": [change | {"old_path": f"src/a b{i}.py", "new_path": f"src/a b{i}.py"}],
            "difference_truncated": None,
        }
        for i, name in enumerate(names)
    ]
    held = sorted({*names, "owner9/fork"})
    for schema, found in {
        "commits": rows,
        "licenses": [{"repo_name": name, "license": "mit"} for name in held],
        "languages": [{"repo_name": name, "language": [{"name": "Go", "bytes": 1}]} for name in held],
    }.items():
        write(pa.Table.from_pylist(found, schema=SCHEMAS[schema]), folder / f"{schema}.parquet", schema)
    return folder


@pytest.fixture
def service(tables: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service over `tables`; the client waits for nothing between its attempts."""
    monkeypatch.setattr("google.api_core.retry.retry_unary.time.sleep", lambda _: None)
    service = Service(tables)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    yield service
    service.resume.set()
    server.shutdown()
    server.server_close()
    thread.join()
    service.close()


@pytest.fixture
def warehouse(service: Service):
    """Makes the back end with a real client of the service."""

    def make(**settings) -> BigQuery:
        client = bigquery.Client(
            PROJECT, AnonymousCredentials(), location="US", client_options={"api_endpoint": service.address}
        )
        return BigQuery(PROJECT, DATASET, client=client, **settings)

    return make


@pytest.fixture
def local(tables: Path) -> DuckDB:
    """The other back end on the same tables."""
    return DuckDB(tables, threads=1)
