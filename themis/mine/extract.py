"""One repository's rows of the tables, kept as a part that is reused while its references do not change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow as pa

from themis import __version__
from themis.errors import Problem
from themis.mine.merge_state import MergeState
from themis.records import SCHEMAS, write
from themis.repositories.log import Commit, Difference, count_commits, read_log
from themis.repositories.repository import Repository
from themis.repositories.trees import languages_at_head, license_at_head

TABLES = ("commits", "licenses", "languages", "merges", "repositories")
_BATCH = 4096
_WEIGHT = 1 << 24  # bytes of messages and differences, about, that a batch holds besides its last commit
_DIFFERENCE = 256
_CHANGE = tuple(field.name for field in fields(Difference))


def extract(repository: Repository, name: str, parts: Path) -> Path:
    """The folder of a repository's part below `parts`, written now unless it is there for the same references.

    Raises Problem where git's own count of the commits is another than that of the commits read.
    """
    state = [
        __version__,
        [SCHEMAS[table].names for table in TABLES],
        name,
        repository.head,
        repository.references,
        sorted(repository.shallow),
    ]
    folder = Path(parts) / hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]
    if folder.is_dir():
        return folder
    Path(parts).mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=parts))
    try:
        _write(repository, name, unfinished)
        unfinished.chmod(0o755)
        with contextlib.suppress(OSError):  # the same part may have been written meanwhile
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write(repository: Repository, name: str, folder: Path) -> None:
    state = MergeState(repository)

    def noted() -> Iterator[Commit]:
        for commit in read_log(repository):
            state.note(commit)
            yield commit

    write(_tables(noted(), name, repository.shallow), folder / "commits.parquet", "commits")
    count = count_commits(repository)
    merges = state.rows()
    if count != len(merges):
        raise Problem(f"{repository.folder}: git counts {count} commits but its log has {len(merges)}; damaged?")
    _write_rows([(name, *row) for row in merges], folder, "merges")
    _write_rows([(name, license_at_head(repository))], folder, "licenses")
    languages = [{"name": language, "bytes": size} for language, size in languages_at_head(repository).items()]
    _write_rows([(name, languages)], folder, "languages")
    _write_rows([(name, "", repository.head, count, None)], folder, "repositories")


def _tables(commits: Iterable[Commit], name: str, shallow: frozenset[str]) -> Iterator[pa.Table]:
    for batch in _batches(commits):
        rows = [
            {
                "commit": commit.commit,
                "subject": commit.subject,
                "message": commit.message,
                "author": asdict(commit.author),
                "committer": asdict(commit.committer),
                "parent": list(commit.parents),
                "repo_name": [name],
                "difference": [{key: getattr(change, key) for key in _CHANGE} for change in commit.differences],
                # Where history was cut off, a commit seems to add every file there is.
                "difference_truncated": commit.truncated or commit.commit in shallow,
            }
            for commit in batch
        ]
        yield pa.Table.from_pylist(rows, schema=SCHEMAS["commits"])


def _batches(commits: Iterable[Commit]) -> Iterator[list[Commit]]:
    batch: list[Commit] = []
    weight = 0
    for commit in commits:
        batch.append(commit)
        weight += len(commit.subject) + len(commit.message) + _DIFFERENCE * len(commit.differences)
        if len(batch) == _BATCH or weight >= _WEIGHT:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _write_rows(rows: list[tuple], folder: Path, schema: str) -> None:
    names = SCHEMAS[schema].names
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=SCHEMAS[schema])
    write(table, folder / f"{schema}.parquet", schema)
