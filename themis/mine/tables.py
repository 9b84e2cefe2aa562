"""The tables of the public data set, and two of our own, from git repositories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from themis.errors import Problem
from themis.mine.extract import TABLES, extract
from themis.progress import bar
from themis.records import read, write
from themis.repositories.clone import clone, is_url
from themis.repositories.naming import name_of
from themis.repositories.repository import open_repository

_BATCH = 16_384
_Part = tuple[str, Path, str | None, Path]  # name, folder, URL where it was given by one, folder of its tables
# A commit that forks share is one row; where one of them is cut off there, another one's row is taken.
_JOINED = """
WITH parts AS (
  SELECT *, repo_name[1] AS holder FROM read_parquet(?)
),
held AS (
  SELECT commit, list_sort(list(holder)) AS names, arg_min(holder, (difference_truncated, holder)) AS best
  FROM parts GROUP BY commit
)
SELECT p.* EXCLUDE (holder) REPLACE (h.names AS repo_name)
FROM parts AS p JOIN held AS h ON h.commit = p.commit AND h.best = p.holder
ORDER BY p.commit
"""


def read_tables(repositories: Sequence[str], out: Path, clones: Path, threads: int = 1) -> pa.Table:
    """Write `out`/{commits,licenses,languages,merges,repositories}.parquet; returns the table of repositories.

    A repository is a folder or a URL; URLs are cloned below `clones`. Its part of the tables is kept in `out`/parts and
    used again while its references do not change. Commits are sorted by hash, everything else by repository.
    Raises Problem where two repositories have the same name.
    """
    if not repositories:
        raise Problem("no repository to read; give --repository or --root")
    out = Path(out)
    given = sorted({text if is_url(text) else str(Path(text).resolve()) for text in repositories})
    found: list[_Part] = []
    with ThreadPoolExecutor(threads) as pool, bar("repositories", len(given), "repository") as shown:
        tasks = [pool.submit(_part, repository, out / "parts", Path(clones)) for repository in given]
        try:
            for task in as_completed(tasks):
                found.append(task.result())
                shown.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    parts = _by_name(found)
    for table in TABLES[1:-1]:
        write(
            pa.concat_tables(read(part / f"{table}.parquet", table) for *_, part in parts),
            out / f"{table}.parquet",
            table,
        )
    write(_commits([part for *_, part in parts], threads), out / "commits.parquet", "commits")
    listed = _repositories(parts)
    write(listed, out / "repositories.parquet", "repositories")
    return listed


def _part(repository: str, parts: Path, clones: Path) -> _Part:
    folder = (clone(repository, clones) if is_url(repository) else Path(repository)).resolve()
    with open_repository(folder) as opened:
        name = name_of(folder, opened.origin)
        return name, folder, repository if is_url(repository) else None, extract(opened, name, parts)


def _by_name(found: list[_Part]) -> list[_Part]:
    """One entry per repository, by name; a folder given twice counts once."""
    entries = sorted(set(found), key=lambda entry: (*entry[:2], entry[2] or ""))
    for one, other in pairwise(entries):
        if one[0] == other[0]:
            raise Problem(
                f"{one[1]} and {other[1]}: both are {one[0]}; leave one out or put it into another owner/name"
            )
    return entries


def _commits(parts: list[Path], threads: int) -> Iterator[pa.Table]:
    import duckdb

    with duckdb.connect(config={"threads": threads}) as connection:
        result = connection.sql(_JOINED, params=[[str(part / "commits.parquet") for part in parts]])
        for batch in result.to_arrow_reader(_BATCH):
            yield pa.Table.from_batches([batch])


def _repositories(parts: list[_Part]) -> pa.Table:
    here = Path.cwd()
    table = pa.concat_tables(read(part / "repositories.parquet", "repositories") for *_, part in parts)
    paths = [str(folder.relative_to(here) if folder.is_relative_to(here) else folder) for _, folder, *_ in parts]
    urls = [url for _, _, url, _ in parts]
    return table.set_column(1, "path", pa.array(paths, pa.string())).set_column(4, "url", pa.array(urls, pa.string()))
