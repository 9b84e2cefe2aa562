"""A git server over HTTP on the loopback that fails as it is told, and counts what it is asked."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread

import pyarrow as pa
import pytest

from themis.contents.retrieve import retrieve
from themis.records import SCHEMAS, gather, read, write
from themis.repositories.network import Limits

# What a request meets: a status to answer with, "drop" (half of the pack, then the end), "stall" (half, then nothing for long),
# "slow" (the pack in pieces), or None.
Fault = int | str | None


@dataclass
class Server:
    """What a test tells the server and reads from it. `fault` is asked with (repository, how often it failed so far)."""

    url: str
    fault: Callable[[str, int], Fault] = lambda repository, failed: None
    protocol: str = "version=2"
    packs: Counter[str] = field(default_factory=Counter)  # whole answers, by repository
    wanted: Counter[str] = field(default_factory=Counter)  # object ids of those, how often each was sent
    failed: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    most: int = 0  # requests that were there at one time
    meet: int = 1  # requests wait until so many are there at one time, as long as there is patience
    patience: int = 200
    open: int = 0
    lock: Lock = field(default_factory=Lock)
    stalled: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)

    def of(self, repository: str) -> str:
        """The URL of a repository."""
        return f"{self.url}/{repository}.git"


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Serve the repositories below `root`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(body)

        def _answer(self, body: bytes) -> None:
            self.counted = True
            with server.lock:
                server.open += 1
                server.most = max(server.most, server.open)
            try:
                while server.most < server.meet and server.patience > 0:
                    server.patience -= 1
                    server.over.wait(0.005)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._meet(body)
            finally:
                self._over()

        def _over(self) -> None:
            """Count the request out: before its answer ends, since then the next one may come at once."""
            with server.lock:
                server.open -= self.counted
                self.counted = False

        def _meet(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            name = "/".join(path.split("/")[1:3]).removesuffix(".git")
            told = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            pack = path.endswith("git-upload-pack") and b"want " in told
            with server.lock:
                server.asked[name] += 1
                fault = server.fault(name, server.failed[name])
                if fault in ("drop", "stall", "slow") and not pack:
                    fault = None
                elif fault is not None and fault != "slow":
                    server.failed[name] += 1
            if isinstance(fault, int):
                self._over()
                self.send_error(fault)
                return
            status, headers, data = _backend(root, self.command, path, query, self.headers, body, server.protocol)
            if fault is None and pack and b"PACK" in data:
                with server.lock:
                    server.packs[name] += 1
                    server.wanted.update(part[:40].decode() for part in told.split(b"want ")[1:])
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if fault in ("drop", "stall"):
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                if fault == "stall":
                    server.stalled.set()
                    server.over.wait(20)
                return
            piece = -(-len(data) // 200) if fault == "slow" else len(data)
            for start in range(0, len(data), piece):
                if start + piece >= len(data):
                    self._over()
                self.wfile.write(data[start : start + piece])
                self.wfile.flush()
                if fault == "slow":
                    server.over.wait(0.002)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = Server(f"http://127.0.0.1:{http.server_address[1]}")
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()
            thread.join()


def _backend(root: Path, method: str, path: str, query: str, headers, body: bytes, protocol: str):
    """The answer of `git http-backend`, which speaks CGI."""
    environment = {
        "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
        "QUERY_STRING": query, "REQUEST_METHOD": method, "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROTOCOL": protocol and headers.get("Git-Protocol", ""),
    }  # fmt: skip
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment)
    head, _, data = done.stdout.partition(b"\r\n\r\n")
    fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
    status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
    return status, [one for one in fields if one[0] != "Status"], data


class World:
    """Repositories on a server, changes in them, and what retrieving the changes gives."""

    def __init__(self, folder: Path, history: Callable, server: Server) -> None:
        self.folder, self.server = folder, server
        self._history = history
        self.repositories: dict[str, object] = {}
        self.rows: list[dict] = []
        self.texts: dict[str, tuple[str, str]] = {}

    def repository(self, name: str):
        """A repository of the server, made when first named."""
        if name not in self.repositories:
            self.repositories[name] = self._history(f"served/{name}.git")
        return self.repositories[name]

    def change(self, name: str, old: str, new: str, repositories: list[str] | None = None) -> str:
        """A change of one file in a repository; returns the row's id."""
        i = len(self.rows)
        repository = self.repository(name)
        first = repository.commit({f"{i}.py": old}, branch=f"b{i}")
        second = repository.commit({f"{i}.py": new}, parents=[first], branch=f"b{i}")
        blobs = repository.git("diff-tree", "-r", "--no-commit-id", second).split()[2:4]
        names = repositories or [name]
        self.rows.append({
            "id": f"{i:032x}", "commit": second, "repository": names[0], "repositories": names, "license": "mit",
            "path": f"{i}.py", "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": blobs[0], "new_blob": blobs[1],
            "subject": "s", "message": "m", "committed_at": 0, "language": "Python", "split": "train",
        })  # fmt: skip
        self.texts[f"{i:032x}"] = (old, new)
        return f"{i:032x}"

    def write(self) -> None:
        """Write the selected table."""
        write(pa.Table.from_pylist(self.rows, schema=SCHEMAS["selected"]), self.folder / "selected.parquet", "selected")

    def command(self, *options: str) -> list[str]:
        """The command line that retrieves, as another process."""
        return [
            sys.executable, "-c", "from themis.cli import main; main()", "retrieve", f"{self.folder}/selected.parquet",
            f"{self.folder}/out", f"--ledger={self.folder}/ledger.parquet", f"--attempts={self.folder}/attempts.parquet",
            f"--remote={self.server.url}/{{repository}}.git", "--max-bytes=100000", "--wait-s=0.01", *options,
        ]  # fmt: skip

    def retrieve(
        self, out: str = "out", remote: str | None = "{url}/{repository}.git", tables: Path | None = None, **limits
    ) -> tuple[dict[str, dict], dict[str, int], dict[str, dict]]:
        """(rows by id, dropped by reason, attempts by repository); every row is one or the other, and says the truth.

        The last attempt of a repository counts.
        """
        self.write()
        attempts = retrieve(
            self.folder / "selected.parquet", tables, self.folder / out, self.folder / "ledger.parquet",
            self.folder / "attempts.parquet", shard=0, shards=1, max_bytes=100_000,
            remote=remote and remote.replace("{url}", self.server.url),
            limits=Limits(**{"tries": 3, "wait_s": 0.01, "request_s": 20.0, **limits}),
        )  # fmt: skip
        found = {row["id"]: row for row in read(self.folder / out, "retrieved").to_pylist()}
        for row in found:
            assert (found[row]["old_contents"], found[row]["new_contents"]) == self.texts[row]
        ledger = gather([self.folder / "ledger.parquet"], self.folder / "attrition.parquet").to_pylist()
        dropped = {row["reason"]: row["rows_dropped"] for row in ledger if row["reason"]}
        assert len(found) + sum(dropped.values()) == len(self.rows)
        return found, dropped, {row["repo_name"]: row for row in attempts.to_pylist()}

    @property
    def kept(self) -> list[Path]:
        """What is left beside the table to go on from."""
        return sorted(self.folder.glob(".*.work/*"))


@pytest.fixture
def world(tmp_path: Path, history, monkeypatch) -> Iterator[World]:
    """An empty world; nothing outside it is asked."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "served").mkdir()
    with serving(tmp_path / "served") as server:
        yield World(tmp_path, history, server)
