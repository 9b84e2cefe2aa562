"""Repositories written object by object, as git itself refuses to write them, and the stages run over all of them.

A case is a function that writes one repository and says what must become of it. All cases of a file go through one run,
so that each is also every other one's neighbour.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from identify.vendor.licenses import LICENSES
from typer.testing import CliRunner

from themis.cli import app
from themis.records import gather, read

_ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
WHEN = 1_500_000_000
LIMIT = 100_000
BLOB, LINK, MODULE, TREE = "100644", "120000", "160000", "40000"


class Repo:
    """A bare repository of one case, and what must become of its commits."""

    def __init__(self, case: str, world: Path) -> None:
        self.case = case
        self.world = world
        self.folder = world / "repositories" / case / "hostile.git"
        self.canary = world / "canaries" / case
        self.program = world / "programs" / case
        self.secret = f"secret-{hashlib.sha256(case.encode()).hexdigest()}"
        self.private = world / "private" / f"{case}.py"  # a file of the reader's own
        self.kept: dict[str, tuple[str, str]] = {}
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.skipped: str | None = None
        for folder in (self.canary.parent, self.program.parent, self.private.parent):
            folder.mkdir(exist_ok=True)
        self.program.write_text(f"#!/bin/sh\ntouch '{self.canary}'\nexit 1\n")
        self.program.chmod(0o755)
        self.private.write_text(f"{self.secret} = 1\n")
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", "--template=")

    def git(self, *arguments: str, feed: bytes = b"", cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.folder, input=feed, capture_output=True, env=_ENVIRONMENT, check=check
        )
        return done.stdout.decode(errors="surrogateescape").strip()

    def text(self, version: int) -> str:
        """Words that no other case has, another half of them in each version."""
        words = [hashlib.sha256(f"{self.case} {i} {version * (i % 2)}".encode()).hexdigest() for i in range(24)]
        return "".join(f"{word[:12]} = {word[12:20]!r}\n" for word in words)

    def blob(self, data: bytes | str) -> str:
        return self.raw("blob", data.encode() if isinstance(data, str) else data)

    def tree(self, entries: Sequence[tuple[str, bytes, str]], *, ordered: bool = True) -> str:
        """A tree of (mode, name, object), of any names at all."""
        if ordered:
            entries = sorted(entries, key=lambda entry: entry[1] + (b"/" if entry[0] == TREE else b""))
        raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return self.raw("tree", raw)

    def raw(self, kind: str, data: bytes) -> str:
        """Store an object as it is; git would check it first."""
        whole = b"%s %d\0%s" % (kind.encode(), len(data), data)
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        path = self.object(oid)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        return oid

    def object(self, oid: str) -> Path:
        return self.folder / "objects" / oid[:2] / oid[2:]

    def commit(
        self,
        tree: str,
        *parents: str,
        message: bytes | None = None,
        author: bytes = b"Ada <ada@example.org> %d +0000" % WHEN,
        committer: bytes | None = None,
        headers: bytes = b"",
        branch: str | None = "main",
    ) -> str:
        lines = [f"tree {tree}".encode(), *(f"parent {parent}".encode() for parent in parents)]
        lines += [b"author " + author, b"committer " + (committer or author)]
        said = b"make it better, " + self.case.encode() + b"\n" if message is None else message
        commit = self.raw("commit", b"\n".join(lines) + b"\n" + headers + b"\n" + said)
        if branch:
            self.branch(commit, branch)
        return commit

    def branch(self, commit: str, name: str = "main") -> None:
        path = self.folder / "refs" / "heads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{commit}\n")

    def base(self, *more: tuple[str, bytes, str]) -> list[tuple[str, bytes, str]]:
        """Entries that make a repository worth mining, and some more."""
        licence = self.blob(dict(LICENSES)["MIT"])
        return [(BLOB, b"LICENSE", licence), (BLOB, b"plain.py", self.blob(f"{self.case} = 1\n")), *more]

    def root(self, *more: tuple[str, bytes, str], **facts: object) -> str:
        """A first commit, which adds several files."""
        self.drop("mine", "not a single-file change")
        return self.commit(self.tree(self.base(*more)), message=f"start of {self.case}\n".encode(), **facts)

    def change(
        self, path: bytes = b"a.py", old: tuple[str, str] | None = None, new: tuple[str, str] | None = None,
        wrap: Callable[[str, str], tuple[str, bytes, str]] | None = None, **facts: object,
    ) -> str:  # fmt: skip
        """Two commits, of which the second changes one file; old and new are (mode, object)."""
        old = old or (BLOB, self.blob(self.text(1)))
        new = new or (BLOB, self.blob(self.text(2)))
        entry = wrap or (lambda mode, oid: (mode, path, oid))
        first = self.root(entry(*old))
        return self.commit(self.tree(self.base(entry(*new))), first, **facts)

    def keep(self, path: str = "a.py", old: str | None = None, new: str | None = None) -> None:
        """The case's row must come out with exactly these contents."""
        self.kept[path] = (self.text(1) if old is None else old, self.text(2) if new is None else new)

    def drop(self, stage: str, reason: str, rows: int = 1) -> None:
        """So many of its commits must be counted as dropped there, for that reason."""
        self.dropped[stage, reason] += rows

    def skip(self, told: str) -> None:
        """The whole repository must be left out, and this be told."""
        self.skipped = told
        self.dropped.clear()
        self.kept.clear()


class Run:
    """What the stages made of all cases."""

    def __init__(self, world: Path, cases: Mapping[str, Callable[[Repo], None]]) -> None:
        self.world = world
        self.repos = {name: Repo(name, world) for name in ("control", *cases)}
        self.repos["control"].change()
        self.repos["control"].keep()
        for name, build in cases.items():
            build(self.repos[name])
        with contextlib.chdir(world):
            self.said = run_stages("--root", "repositories")
        rows = read(world / "deduplicated.parquet", "deduplicated").to_pylist()
        self.rows = {name: [row for row in rows if f"{name}/hostile" in row["repositories"]] for name in self.repos}
        left = read(world / "tables" / "skipped.parquet", "skipped").to_pylist()
        self.skipped = {Path(row["path"]).parts[1]: row["reason"] for row in left}
        self.counted = read(world / "tables" / "repositories.parquet", "repositories").to_pylist()
        self.written = "".join(map(_texts, sorted(world.rglob("*.parquet"))))

    def check(self, case: str) -> None:
        """What must be true of every case."""
        repo = self.repos[case]
        assert not repo.canary.exists(), "something of the repository was executed"
        assert repo.secret not in self.written, "a file outside the repository was read"
        if repo.skipped is not None:
            assert repo.skipped in self.skipped.get(case, "it was read"), self.skipped.get(case)
            assert "\n" not in self.skipped[case]
            assert self.rows[case] == []
            return
        assert case not in self.skipped, self.skipped[case]
        assert {row["path"]: (row["old_contents"], row["new_contents"]) for row in self.rows[case]} == repo.kept
        assert all(row["kept"] for row in self.rows[case])
        (listed,) = [row for row in self.counted if row["repo_name"] == f"{case}/hostile"]
        assert listed["commits"] == len(repo.kept) + repo.dropped.total()

    def ledger(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """(stage, reason) of every row dropped: as the ledgers have it, and as the cases say."""
        paths = [self.world / f"{stage}.ledger.parquet" for stage in ("mine", "select", "retrieve", "deduplicate")]
        found: Counter[tuple[str, str]] = Counter()
        for row in gather(paths, self.world / "attrition.parquet").to_pylist():
            found[row["stage"], row["reason"] or ""] += row["rows_dropped"]
        expected = sum((repo.dropped for repo in self.repos.values()), Counter())
        return +found, expected


def run_stages(*repositories: str) -> str:
    """The first five stages in the working directory; what they said."""
    steps = [
        ["tables", "tables", *repositories, "--clones", "clones", "--threads", "2"],
        ["mine", "tables", "mined.parquet", "--license", "permissive", "--ledger", "mine.ledger.parquet", "--forks", "forks.parquet"],
        [
            "select", "mined.parquet", "selected.parquet", "--language", "Python", "--seed", "7", "--train-until", "2030-01-01",
            "--benchmark-since", "2030-01-01", "--benchmark-until", "2031-01-01", "--forks", "forks.parquet",
            "--merges", "tables/merges.parquet", "--ledger", "select.ledger.parquet",
        ],
        [
            "retrieve", "selected.parquet", "retrieved.parquet", "--tables", "tables", "--max-bytes", str(LIMIT),
            "--ledger", "retrieve.ledger.parquet", "--attempts", "attempts.parquet",
        ],
        ["gather", "gathered.parquet", "retrieved", "retrieved.parquet"],
        ["deduplicate", "gathered.parquet", "deduplicated.parquet", "--ledger", "deduplicate.ledger.parquet"],
    ]  # fmt: skip
    said = ""
    for step in steps:
        result = CliRunner().invoke(app, step, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        said += result.output
    return said


def _texts(path: Path) -> str:
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(pq.read_table(path, partitioning=None).to_pylist())
    return "\n".join(found)


@pytest.fixture(scope="session")
def run_cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Callable[[Repo], None]]], Run]:
    """Write the repositories of all cases and run the stages over them."""
    return lambda cases: Run(tmp_path_factory.mktemp("world"), cases)


@pytest.fixture
def make_repo() -> type[Repo]:
    """Start a repository of a case in a folder."""
    return Repo
