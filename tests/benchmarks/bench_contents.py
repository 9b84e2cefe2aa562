"""Contents of commits from local repositories, beside one `git init` and `git fetch --depth 2` a commit.

The repositories are made up, or those below the folder that THEMIS_BENCH_REPOSITORIES names.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from tests.benchmarks.result import Result
from themis import records
from themis.contents.retrieve import retrieve
from themis.mine.tables import read_tables
from themis.repositories.find import repositories_below

COMMITS, FILES, LINES = 20_000, 200, 200
SAMPLE = 30  # commits that the peer fetches
_RATE = 10_000  # commits a second, the bar of ours alone

_ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def measure() -> Result:
    """Seconds per commit; ours reads the selected table and writes the retrieved one, the peer only fetches."""
    given = os.environ.get("THEMIS_BENCH_REPOSITORIES")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if not given:
            _repository(folder / "made/up.git")
        roots = repositories_below(Path(given) if given else folder / "made")
        read_tables([str(root) for root in roots], folder / "tables", folder / "clones", 2)
        rows = _selected(folder / "tables")
        records.write(rows, folder / "selected.parquet", "selected")
        seconds = []
        for out in ("first", "second"):  # the first also reads the disk and loads the libraries
            began = time.perf_counter()
            retrieve(
                folder / "selected.parquet", folder / "tables", folder / f"{out}.parquet", folder / "ledger.parquet",
                folder / "attempts.parquet", shard=0, shards=1, max_bytes=1_000_000,
            )  # fmt: skip
            seconds.append(time.perf_counter() - began)
        found = records.read(folder / "second.parquet", "retrieved", ["id", "old_contents", "new_contents"])
        ours = seconds[1] / rows.num_rows
        peer = _peer(rows, folder / "tables", folder / "fetched")
    size = sum(len(text) for name in ("old_contents", "new_contents") for text in found[name].to_pylist())
    note = (
        f"{1 / ours:,.0f} commits a second (bar {_RATE:,}), {rows.num_rows:,} commits,"
        f" {found.num_rows:,} with contents, {size / max(1, found.num_rows) / 1000:.1f} kB each"
    )
    right = given is not None or found.num_rows == rows.num_rows == COMMITS
    return Result(
        "s a commit", ours, peer, "one git init and git fetch --depth 2", 300, note, limit=1 / _RATE, true=right
    )


def _repository(folder: Path) -> None:
    """A history of COMMITS changes of a line or two, in files of LINES lines, packed as a clone is."""
    source = random.Random(0)
    words = [f"{source.choice('abcdefgh')}{i:x}" for i in range(3000)]
    files = [[" ".join(source.choices(words, k=7)) for _ in range(LINES)] for _ in range(FILES)]
    feed = bytearray()
    for i in range(COMMITS + FILES):
        lines = files[i % FILES]
        lines[source.randrange(LINES)] = " ".join(source.choices(words, k=7))
        text = "\n".join(lines).encode() + b"\n"
        message = b"change %d of the benchmark" % i
        feed += b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_400_000_000 + i)
        feed += b"data %d\n%s\nM 100644 inline src/file%d.py\ndata %d\n%s\n" % (
            len(message), message, i % FILES, len(text), text,
        )  # fmt: skip
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    _git(folder, "fast-import", "--quiet", feed=bytes(feed))
    _git(folder, "repack", "-a", "-d", "--quiet", "--threads=2")


def _selected(tables: Path) -> pa.Table:
    """Every commit that changed one file of two contents, as selection would hand it on."""
    columns = ["commit", "repo_name", "difference"]
    rows = []
    for commit in records.read(tables / "commits.parquet", "commits", columns).to_pylist():
        changes = commit["difference"] or []
        if len(changes) != 1 or not changes[0]["old_sha1"] or not changes[0]["new_sha1"]:
            continue
        change = changes[0]
        if not change["old_sha1"].strip("0") or not change["new_sha1"].strip("0"):
            continue
        rows.append({
            "id": f"{len(rows):032x}", "commit": commit["commit"], "repository": commit["repo_name"][0],
            "repositories": commit["repo_name"], "license": "mit", "path": change["new_path"],
            "old_mode": change["old_mode"], "new_mode": change["new_mode"], "old_blob": change["old_sha1"],
            "new_blob": change["new_sha1"], "subject": "s", "message": "m", "committed_at": 0, "language": "Python",
            "split": "train",
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=records.SCHEMAS["selected"])


def _peer(rows: pa.Table, tables: Path, folder: Path) -> float:
    """Seconds a commit, the mean over commits spread evenly over the table; those that it cannot fetch do not count."""
    places = records.read(tables / "repositories.parquet", "repositories")
    paths = dict(zip(places["repo_name"].to_pylist(), places["path"].to_pylist(), strict=True))
    chosen = rows.select(["commit", "repository"]).take(pa.array(range(0, rows.num_rows, -(-rows.num_rows // SAMPLE))))
    seconds = []
    for row in chosen.to_pylist():
        url = f"file://{Path(paths[row['repository']]).resolve()}"
        folder.mkdir()
        began = time.perf_counter()
        _git(folder, "init", "--quiet")
        done = _git(folder, "fetch", "--quiet", "--depth", "2", url, row["commit"], check=False)
        if done.returncode == 0:
            seconds.append(time.perf_counter() - began)
        shutil.rmtree(folder)
    return sum(seconds) / len(seconds)


def _git(folder: Path, *arguments: str, feed: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=feed, stderr=subprocess.PIPE, check=check, env=_ENVIRONMENT)
