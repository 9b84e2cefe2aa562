"""Whatever an archive holds, only score files of its runs are written, only below OUT, and all of them or none."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.errors import Problem
from themis.score import run_archive
from themis.score.imported import import_runs
from themis.score.run_archive import fetch_runs

FILES = {"one/scores.parquet": b"first", "one/results.json": b"{}", "deep/down/two/scores.csv": b"id\n"}
OUT = {"one/scores.parquet": b"first", "one/results.json": b"{}", "two/scores.csv": b"id\n"}


class Handler(BaseHTTPRequestHandler):
    """Serves what the test put into `served`; /cut ends in the middle of an answer, /garbage is no answer at all."""

    served: dict[str, bytes]

    def do_GET(self) -> None:
        if self.path == "/garbage":
            self.wfile.write(b"what?\r\n\r\n")
            return
        body = self.served.get(self.path)
        self.send_response(404 if body is None else 200)
        if self.path == "/cut":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nhalf")
            return
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def serve(server, monkeypatch):
    """Put bytes behind a URL; the URL with its digest, or with the digest given."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Handler, "served", {}, raising=False)

    def put(content: bytes, name: str = "/archive", digest: str | None = None) -> str:
        Handler.served[name] = content
        digest = hashlib.sha256(content).hexdigest() if digest is None else digest
        return f"http://127.0.0.1:{server.server_address[1]}{name}#sha256={digest}"

    return put


def zipped(members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(members, mode="w:gz") -> bytes:
    """Members are (name, contents) or TarInfo of what has none."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return stream.getvalue()


MAKERS = {"zip": zipped, "tar.gz": tarred, "tar": lambda members: tarred(members, "w")}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and every symbolic link as such."""
    return {
        str(path.relative_to(folder)): b"link" if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def one_line(source: str, out: Path, says: str) -> None:
    """The fetch is refused in one line, and nothing at all is written."""
    before = tree(out.parents[1])
    with pytest.raises(Problem, match=says) as caught:
        fetch_runs(source, out)
    assert len(str(caught.value).splitlines()) == 1
    assert tree(out.parents[1]) == before
    assert not out.exists() and not (out.parent.exists() and any(out.parent.iterdir()))


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "results/runs"


@pytest.mark.parametrize("form", MAKERS)
def test_the_score_files_of_every_run_are_taken_and_nothing_else(serve, out, tmp_path, form):
    others = {"one/model.safetensors": b"x", "README.md": b"x", "scores.csv": b"x", "one/.cache/scores.csv": b"x",
              "__MACOSX/one/._scores.csv": b"x", "one/scores.parquet.bak": b"x", "../scores.csv": b"x"}  # fmt: skip
    archive = MAKERS[form]([*others.items(), *FILES.items()])
    assert fetch_runs(serve(archive), out) == out
    assert tree(tmp_path) == {f"results/runs/{name}": content for name, content in OUT.items()}


@pytest.mark.parametrize("form", MAKERS)
def test_no_name_in_an_archive_leads_out(serve, tmp_path, form):
    out = tmp_path / "a/b/c/runs"
    absolute = str(tmp_path / "absolute/scores.parquet")
    names = ["../../evil/scores.parquet", absolute, "x/../../../../worse/results.json", "./plain/scores.csv",
             "..\\..\\back/scores.csv", "../scores.csv", "/scores.csv", "one/../scores.csv"]  # fmt: skip
    fetch_runs(serve(MAKERS[form]([(name, b"1") for name in names])), out)
    runs = ("evil/scores.parquet", "absolute/scores.parquet", "worse/results.json", "plain/scores.csv")
    assert set(tree(tmp_path)) == {f"a/b/c/runs/{name}" for name in runs}


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_links_and_devices_in_an_archive_are_not_taken(serve, tmp_path, out):
    secret, outside = tmp_path / "secret", tmp_path / "outside"
    secret.write_text("secret")
    outside.mkdir()
    members = [
        linked("one/scores.parquet", str(secret)),
        linked("two/scores.parquet", str(secret), tarfile.LNKTYPE),
        linked("three/scores.parquet", "", tarfile.FIFOTYPE),
        linked("four", str(outside)),
        ("four/scores.csv", b"id\n"),
    ]
    fetch_runs(serve(tarred(members)), out)
    assert tree(tmp_path) == {"secret": b"secret", "results/runs/four/scores.csv": b"id\n"}

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, mode in (("one/scores.parquet", 0o120777), ("four", 0o120777), ("four/scores.csv", 0o100644)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, str(outside) if mode == 0o120777 else "id\n")
    fetch_runs(serve(stream.getvalue()), out.with_name("again"))
    assert tree(out.with_name("again")) == {"four/scores.csv": b"id\n"}
    assert not any(outside.iterdir())


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"a/one/scores.csv": b"1", "b/one/scores.csv": b"2"}, "two runs one"),
        ({"a/one/scores.csv": b"1", "b/one/results.json": b"{}"}, "two runs one"),
        ({"one/scores.csv": b"1", "./one/scores.csv": b"2"}, "two such files"),
        ({"one/readme.txt": b"1", "scores.csv": b"2"}, "holds none of scores.parquet"),
        ({}, "holds none of|not a readable"),
        ({"my model/scores.csv": b"1"}, "my model"),
        ({"two\nlines/scores.csv": b"1"}, "letters, digits"),
    ],
    ids=["of one name", "in two folders", "a file twice", "no run", "empty", "blank in a name", "lines in a name"],
)
def test_an_archive_of_no_or_of_ambiguous_runs_is_refused(serve, out, form, members, says):
    one_line(serve(MAKERS[form]([("zero/scores.csv", b"0")] * ("holds" not in says) + [*members.items()])), out, says)


def damaged() -> dict[str, bytes]:
    """Archives that cannot be read, by what is wrong with them."""
    noise = hashlib.shake_256(b"noise").digest(4000)
    stored = zipped([("one/scores.csv", noise.hex())])
    tar = tarred([("one/scores.csv", noise)])
    locked = bytearray(stored)
    locked[6] |= 1  # the bit of a password, in the file's own header and in the directory
    locked[stored.index(b"PK\x01\x02") + 8] |= 1
    unknown = bytearray(stored)
    unknown[8] = unknown[stored.index(b"PK\x01\x02") + 10] = 99  # the number of the compression
    return {
        "a page of text": b"<html>moved</html>",
        "nothing": b"",
        "half a zip": stored[: len(stored) // 2],
        "half a tar": tar[: len(tar) // 2],
        "spoilt zip": stored[:60] + bytes(40) + stored[100:],
        "spoilt end of zip": stored[:1000] + bytes([stored[1000] ^ 255]) + stored[1001:],
        "spoilt tar": tar[:60] + bytes(40) + tar[100:],
        "password": bytes(locked),
        "unknown compression": bytes(unknown),
    }


@pytest.mark.parametrize("name", damaged())
def test_what_is_no_archive_is_refused(serve, out, name):
    one_line(serve(damaged()[name]), out, r"not a readable \.zip or tar archive")


@pytest.mark.parametrize("form", MAKERS)
def test_a_file_over_the_limit_is_refused(serve, out, form, monkeypatch):
    monkeypatch.setattr(run_archive, "_LARGEST", 3 << 20)
    members = [("zero/scores.csv", bytes(3 << 20)), ("one/scores.csv", bytes((3 << 20) + 1))]
    one_line(serve(MAKERS[form](members)), out, "one/scores.csv' is larger than 3 MiB")
    fetch_runs(serve(MAKERS[form](members[:1])), out)
    assert {name: len(content) for name, content in tree(out).items()} == {"zero/scores.csv": 3 << 20}


def test_only_the_archive_of_the_digest_given_is_unpacked(serve, out):
    archive = zipped(FILES.items())
    good = serve(archive)
    wrong = serve(archive, digest="0" * 64)
    one_line(wrong, out, f"its sha256 is {good[-64:]}, not {'0' * 64}")
    for source in (good.partition("#")[0], good[:-1], good + "0", good.replace("http:", "file:"), "/some/folder"):
        one_line(source, out, "must end in #sha256=")
    fetch_runs(good, out)
    assert tree(out) == OUT


def test_what_cannot_be_fetched_is_one_line(serve, out):
    known = serve(b"")
    digest = known[known.index("#") :]
    for path in ("/absent", "/cut", "/garbage"):
        one_line(known.replace("/archive", path), out, "cannot be fetched")
    for url in ("http://127.0.0.1:1/x", "http://127.0.0.1:many/x", "http://[::1/x", "http://127.0.0.1/a b"):
        one_line(url + digest, out, "cannot be fetched")


def test_what_is_there_already_is_left_alone(serve, out, tmp_path):
    source = serve(zipped(FILES.items()))
    out.mkdir(parents=True)
    fetch_runs(source, out)  # an empty folder is as good as none
    (out / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    for place in (out, tmp_path / "file", tmp_path):
        with pytest.raises(Problem, match="is there already"):
            fetch_runs(source, place)
    assert tree(tmp_path) == before


def test_fetched_runs_are_imported_as_those_of_a_folder(serve, out, tmp_path):
    columns = {"id": ["a", "b"], "chosen_score": [1.0, 2.0], "rejected_score": [2.0, 1.0],
               "aspect": ["Security_Hardness"] * 2, "language": ["Cpp"] * 2, "subset": ["S"] * 2}  # fmt: skip
    for name in ("one", "two"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), tmp_path / "runs" / name / "scores.parquet")
    archive = tarred([(f"release/{name}", content) for name, content in tree(tmp_path / "runs").items()])
    made = {}
    for source in (tmp_path / "runs", fetch_runs(serve(archive), out)):
        place = tmp_path / "made" / str(len(made))
        assert import_runs(source, place / "out", place / "f", place / "l", name="crb") == ["one", "two"]
        made[source] = tree(place)
    first, again = made.values()
    assert first == again and len(first) == 4


def test_the_command_says_what_is_wrong_in_one_line_and_fetches_what_is_right(serve, out, tmp_path):
    good = serve(zipped(FILES.items()))
    for source, status in ((good.replace("/archive", "/absent"), 1), (good, 0)):
        done = subprocess.run(
            [sys.executable, "-c", "from themis.cli import main; main()", "fetch-runs", source, str(out)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, done.stderr
        said = [line for line in done.stderr.splitlines() if not line.startswith("fetch published_runs: ")]
        assert len(said) == status and all(line.startswith("themis: published_runs: http://") for line in said)
    assert tree(tmp_path) == {f"results/runs/{name}": content for name, content in OUT.items()}
