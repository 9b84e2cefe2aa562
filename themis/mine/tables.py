"""The tables of the public data set, and two of our own, from git repositories."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from themis.errors import Problem
from themis.mine.extract import TABLES, extract
from themis.progress import bar
from themis.records import SCHEMAS, read, stream, write
from themis.records.sorting import hash_bounds, sorted_by_ranges
from themis.repositories.clone import clone
from themis.repositories.log import path_text
from themis.repositories.naming import name_of
from themis.repositories.network import Network
from themis.repositories.repository import open_repository
from themis.repositories.urls import is_url

_Part = tuple[str, Path, str | None, Path]  # name, folder, URL where it was given by one, folder of its tables


def read_tables(
    repositories: Sequence[str], out: Path, clones: Path, threads: int = 1, *, below: Sequence[Path] = ()
) -> pa.Table:
    """Write `out`/{commits,licenses,languages,merges,repositories,skipped}.parquet; returns the table of repositories.

    A repository is a folder or a URL; URLs are cloned below `clones`. Its part of the tables is kept in `out`/parts and
    used again while its references do not change. Commits are sorted by hash, everything else by repository.
    The folders of `below` were come upon, not named: one that cannot be read, or has the name of another, is left out,
    and `skipped` says why. Raises Problem where a repository that was named cannot be read or shares its name with
    another that was named, or where none is left.
    """
    if not repositories and not below:
        raise Problem("no repository to read; give --repository or --root")
    out = Path(out)
    named = {text if is_url(text) else str(Path(text).resolve()) for text in repositories}
    given = sorted(named | {str(folder.resolve()) for folder in below})
    folders = [Path(text) for text in given if not is_url(text)]
    found: list[_Part] = []
    skipped: dict[str, str] = {}
    network = Network()
    with ThreadPoolExecutor(threads) as pool, bar("repositories", len(given), "repository") as shown:
        tasks = {pool.submit(_part, text, out / "parts", Path(clones), folders, network): text for text in given}
        try:
            for task in as_completed(tasks):
                try:
                    found.append(task.result())
                except Problem as problem:
                    if tasks[task] in named:
                        raise
                    skipped[tasks[task]] = str(problem)
                shown.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    parts = _by_name(found, named, skipped)
    if not parts:
        raise Problem(f"none of {len(given)} repositories can be read; the first: {skipped[min(skipped)]}")
    for table in TABLES[1:-1]:
        write(
            pa.concat_tables(read(part / f"{table}.parquet", table) for *_, part in parts),
            out / f"{table}.parquet",
            table,
        )
    listed = _repositories(parts)
    write(_commits([part / "commits.parquet" for *_, part in parts], out), out / "commits.parquet", "commits")
    write(_skipped(skipped), out / "skipped.parquet", "skipped")
    write(listed, out / "repositories.parquet", "repositories")
    return listed


def _part(repository: str, parts: Path, clones: Path, others: Sequence[Path], network: Network) -> _Part:
    folder = (clone(repository, clones, network) if is_url(repository) else Path(repository)).resolve()
    with open_repository(folder, others) as opened:
        name = name_of(folder, opened.origin)
        return name, folder, repository if is_url(repository) else None, extract(opened, name, parts)


def _by_name(found: list[_Part], named: set[str], skipped: dict[str, str]) -> list[_Part]:
    """One entry per repository, by name; a folder given twice counts once, and one that was named before one found."""

    def order(entry: _Part) -> tuple[str, bool, Path, str]:
        name, folder, url, _ = entry
        return name, not (url or str(folder) in named), folder, url or ""

    entries: list[_Part] = []
    for entry in sorted(set(found), key=order):
        name, folder, url, _ = entry
        if not entries or entries[-1][0] != name:
            entries.append(entry)
            continue
        told = f"{entries[-1][1]} and {folder}: both are {name}; leave one out or put it into another owner/name"
        if url or str(folder) in named:
            raise Problem(told)
        skipped[str(folder)] = told
    return entries


def _commits(parts: list[Path], out: Path) -> Iterator[pa.Table]:
    """The commits of all parts by hash, one row each."""
    rows = (
        table.append_column("holder", pc.list_element(table["repo_name"], 0))
        for part in parts
        for table in stream(part, "commits")
    )
    keys = ["commit", "difference_truncated", "holder"]
    return map(_joined, sorted_by_ranges(rows, keys, hash_bounds(parts), out / "commits.parquet"))


def _joined(table: pa.Table) -> pa.Table:
    """Of a commit that forks share the first row, so one that is not cut off where there is one; it names all holders."""
    commits = table["commit"].combine_chunks()
    first = pa.concat_arrays([pa.array([True]), pc.not_equal(commits[1:], commits[:-1])])
    starts = np.append(np.flatnonzero(first), len(commits)).astype(np.int32)
    by_name = pc.sort_indices(table, sort_keys=[("commit", "ascending"), ("holder", "ascending")])
    names = pa.ListArray.from_arrays(starts, table["holder"].take(by_name).combine_chunks())
    kept = table.filter(first).drop_columns("holder")
    return kept.set_column(kept.column_names.index("repo_name"), "repo_name", names)


def _repositories(parts: list[_Part]) -> pa.Table:
    table = pa.concat_tables(read(part / "repositories.parquet", "repositories") for *_, part in parts)
    paths = [_from_here(folder) for _, folder, *_ in parts]
    urls = [url for _, _, url, _ in parts]
    return table.set_column(1, "path", pa.array(paths, pa.string())).set_column(4, "url", pa.array(urls, pa.string()))


def _skipped(reasons: dict[str, str]) -> pa.Table:
    rows = [
        {"path": path_text(os.fsencode(_from_here(Path(place)))), "reason": path_text(os.fsencode(why))}
        for place, why in reasons.items()
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["skipped"]).sort_by("path")


def _from_here(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
