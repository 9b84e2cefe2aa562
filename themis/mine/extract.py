"""One repository's rows of the tables, kept as a part that is reused while its references do not change."""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pyarrow as pa

from themis import __version__
from themis.errors import Problem
from themis.records import SCHEMAS, write
from themis.repositories.log import Commit, count_commits, main_line, merged_by, read_log, reverted_by
from themis.repositories.repository import Repository
from themis.repositories.trees import languages_at_head, license_at_head

TABLES = ("commits", "licenses", "languages", "merges", "repositories")
_BATCH = 4096


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
    reached = main_line(repository)
    hashes: list[str] = []
    merges: set[str] = set()
    claims: list[tuple[str, list[tuple[str, bool]]]] = []

    def noted() -> Iterator[Commit]:
        for commit in read_log(repository):
            hashes.append(commit.commit)
            if len(commit.parents) > 1:
                merges.add(commit.commit)
            if commit.commit in reached and (targets := reverted_by(commit.message)):
                claims.append((commit.commit, targets))
            yield commit

    write(_tables(noted(), name, repository.shallow), folder / "commits.parquet", "commits")
    count = count_commits(repository)
    if count != len(hashes):
        raise Problem(f"{repository.folder}: git counts {count} commits but its log has {len(hashes)}; damaged?")
    reverted = _reverted(repository, claims, sorted(hashes), merges)
    rows = [(name, commit, commit in reached, commit in reverted) for commit in sorted(hashes)]
    _write_rows(rows, folder, "merges")
    _write_rows([(name, license_at_head(repository))], folder, "licenses")
    languages = [{"name": language, "bytes": size} for language, size in languages_at_head(repository).items()]
    _write_rows([(name, languages)], folder, "languages")
    _write_rows([(name, "", repository.head, count, None)], folder, "repositories")


def _reverted(
    repository: Repository,
    claims: list[tuple[str, list[tuple[str, bool]]]],
    hashes: list[str],
    merges: set[str],
) -> set[str]:
    """What the main line's reverts undo, and with a merge all that it brought in.

    `claims` come newest first, so that by the time a revert is met, it is known whether it is reverted itself.
    """
    reverted: set[str] = set()
    for commit, targets in claims:
        if commit in reverted:
            continue
        for target, of_merge in targets:
            whole = _complete(target, hashes)
            if whole is not None:
                reverted.add(whole)
                if of_merge and whole in merges:
                    reverted.update(merged_by(repository, whole))
    return reverted


def _complete(target: str, hashes: list[str]) -> str | None:
    """The one hash that begins so, or None where there is none or more than one."""
    at = bisect.bisect_left(hashes, target)
    found = [commit for commit in hashes[at : at + 2] if commit.startswith(target)]
    return found[0] if len(found) == 1 else None


def _tables(commits: Iterable[Commit], name: str, shallow: frozenset[str]) -> Iterator[pa.Table]:
    schema = SCHEMAS["commits"]
    commits = iter(commits)
    while batch := list(islice(commits, _BATCH)):
        rows = [
            {
                **asdict(commit),
                "parent": list(commit.parents),
                "repo_name": [name],
                "difference": [asdict(difference) for difference in commit.differences],
                # Where history was cut off, a commit seems to add every file there is.
                "difference_truncated": commit.commit in shallow,
            }
            for commit in batch
        ]
        yield pa.Table.from_pylist(rows, schema=schema)


def _write_rows(rows: list[tuple], folder: Path, schema: str) -> None:
    names = SCHEMAS[schema].names
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=SCHEMAS[schema])
    write(table, folder / f"{schema}.parquet", schema)
