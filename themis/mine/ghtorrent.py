"""The merge state of mined commits from a dump of GHTorrent: which belong to a pull request that was merged."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from themis.errors import Problem
from themis.mine.database import database, fill, text
from themis.mine.mined_reverts import reverted_among
from themis.progress import bar
from themis.records import Ledger, write
from themis.records.tables import check

if TYPE_CHECKING:
    import duckdb

# Columns in the order of the dumps' MySQL tables, which come without a header. Of projects the last are not always there.
COLUMNS = {
    "commits": ("id", "sha", "author_id", "committer_id", "project_id", "created_at"),
    "pull_request_commits": ("pull_request_id", "commit_id"),
    "pull_request_history": ("id", "pull_request_id", "created_at", "action", "actor_id"),
    "pull_requests": (
        "id", "head_repo_id", "base_repo_id", "head_commit_id", "base_commit_id", "pullreq_id", "intra_branch",
    ),
    "projects": (
        "id", "url", "owner_id", "name", "description", "language", "created_at", "forked_from", "deleted", "updated_at",
        "forked_commit_id",
    ),
}  # fmt: skip
_FEWEST = {"projects": 9}
_USED = {
    "commits": {"id", "sha"},
    "pull_request_commits": {"pull_request_id", "commit_id"},
    "pull_request_history": {"pull_request_id", "action"},
    "pull_requests": {"id", "base_repo_id"},
    "projects": {"id", "url"},
}
# Each table is read once, and what is kept of it shrinks to the mined commits: only those need to fit on disk.
_STEPS = {
    "commits": """CREATE TABLE wanted AS
        SELECT try_cast(id AS BIGINT) AS commit_id, sha FROM commits_file SEMI JOIN mined ON mined.commit = sha""",
    "pull_request_commits": """CREATE TABLE listed AS
        SELECT DISTINCT try_cast(l.pull_request_id AS BIGINT) AS request, w.sha
        FROM pull_request_commits_file AS l JOIN wanted AS w ON w.commit_id = try_cast(l.commit_id AS BIGINT)""",
    "pull_request_history": """CREATE TABLE merged AS
        SELECT DISTINCT try_cast(pull_request_id AS BIGINT) AS request FROM pull_request_history_file
        SEMI JOIN listed ON listed.request = try_cast(pull_request_id AS BIGINT) WHERE action = 'merged'""",
    "pull_requests": """CREATE TABLE based AS
        SELECT m.request, try_cast(p.base_repo_id AS BIGINT) AS project
        FROM pull_requests_file AS p JOIN merged AS m ON m.request = try_cast(p.id AS BIGINT)""",
    "projects": r"""CREATE TABLE named AS
        SELECT DISTINCT b.request, regexp_extract(p.url, '/repos/([^/]+/[^/]+)/?$', 1) AS repo_name
        FROM projects_file AS p JOIN based AS b ON b.project = try_cast(p.id AS BIGINT)
        WHERE regexp_matches(p.url, '/repos/[^/]+/[^/]+/?$')""",
}
_ROWS = """
SELECT DISTINCT n.repo_name, l.sha AS commit, true AS merged, r.commit IS NOT NULL AS reverted, 'pull request' AS how
FROM listed AS l JOIN named AS n ON n.request = l.request LEFT JOIN reverted AS r ON r.commit = l.sha
ORDER BY n.repo_name, l.sha
"""
_REASONS = """
WITH state AS (
  SELECT m.commit, count(l.request) AS requests, count(g.request) AS merged, count(n.request) AS named
  FROM mined AS m
  LEFT JOIN listed AS l ON l.sha = m.commit LEFT JOIN merged AS g ON g.request = l.request
  LEFT JOIN named AS n ON n.request = l.request
  GROUP BY m.id, m.commit
)
SELECT CASE WHEN requests = 0 THEN 'in no pull request' WHEN merged = 0 THEN 'pull request not merged'
  WHEN named = 0 THEN 'repository of the pull request unknown' END AS reason, count(*) AS rows
FROM state GROUP BY reason
"""


def ghtorrent_merges(dump: Path, mined: Path, out: Path, ledger: Path, threads: int = 1) -> Ledger:
    """Write the merges table of the mined commits, sorted by repository and commit, and the ledger, which is returned.

    `dump` is a folder with the five tables of COLUMNS as <name>.csv, .csv.gz or .parquet. A row stands for a commit of a
    pull request whose history has the action merged, with the repository it was merged into; a commit that other mined
    commits say they revert is marked (GHTorrent has no messages). A squash merge's own commit is in no pull request's
    list, so it is not found. Lines of a dump that cannot be read are counted in the ledger under the table's name.
    Raises Problem where a table is missing or has other columns. Source of the layout: GHTorrent's relational schema.
    """
    check(mined, "mined")
    files = {name: _find(Path(dump), name) for name in COLUMNS}
    account = Ledger("merges")
    account.keep(rows=0)
    with database(out, threads) as connection:
        connection.execute(f"CREATE VIEW mined AS SELECT * FROM read_parquet({text(mined)})")
        for name, path in files.items():
            connection.execute(f"CREATE VIEW {name}_file AS SELECT * FROM {_source(path, name)}")
        with bar("GHTorrent", 1 + len(_STEPS), "step") as shown:
            fill(connection, "reverted", {"commit": pa.array(sorted(reverted_among(connection)), pa.string())})
            shown.update()
            for name, step in _STEPS.items():
                connection.execute(step)
                if unreadable := _unreadable(connection, files[name]):
                    account.drop("unreadable line", name, unreadable)
                shown.update()
        for reason, rows in connection.sql(_REASONS).fetchall():
            account.drop(reason, rows=rows) if reason else account.keep(rows=rows)
        write(_rows(connection), out, "merges", inputs=[mined])
    account.write(ledger, inputs=[mined])
    return account


def _find(dump: Path, name: str) -> Path:
    for ending in (".parquet", ".csv", ".csv.gz"):
        path = dump / f"{name}{ending}"
        if path.is_file():
            return path
    raise Problem(f"{dump}: no {name}.csv, {name}.csv.gz or {name}.parquet; name the folder of a GHTorrent dump")


def _source(path: Path, name: str) -> str:
    """The table function that reads a file as text columns. MySQL writes NULL as \\N, which no cast takes for a number."""
    columns, header = _columns(path, name)
    if missing := sorted(_USED[name] - set(columns)):
        raise Problem(f"{path}: column {missing[0]} is missing; there are {', '.join(columns)}")
    if path.suffix == ".parquet":
        return f"read_parquet({text(path)})"
    listed = ", ".join(f"{text(column)}: 'VARCHAR'" for column in columns)
    options = (
        r"""auto_detect = false, delim = ',', quote = '"', escape = '\', ignore_errors = true, store_rejects = true"""
    )
    return f"read_csv({text(path)}, {options}, header = {header}, columns = {{{listed}}})"


def _columns(path: Path, name: str) -> tuple[tuple[str, ...], bool]:
    """The columns of a file, by its own word or the dumps' order, and whether it has a header."""
    known = COLUMNS[name]
    if path.suffix == ".parquet":
        return tuple(pq.read_schema(path).names), True
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="latin-1") as file:
        first = next(csv.reader(file, doublequote=False, escapechar="\\"), list(known))
    if set(first) & set(known):
        return tuple(first), True
    if not _FEWEST.get(name, len(known)) <= len(first) <= len(known):
        raise Problem(
            f"{path}: {len(first)} columns where GHTorrent's dumps have {len(known)}; add a header with their names"
        )
    return known[: len(first)], False


def _unreadable(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """How many lines of a CSV file DuckDB could not read."""
    if not connection.sql("FROM duckdb_tables() WHERE table_name = 'reject_errors'").fetchall():
        return 0
    counted = connection.sql(
        "SELECT count(DISTINCT line) FROM reject_errors JOIN reject_scans USING (scan_id, file_id) WHERE file_path = ?",
        params=[str(path)],
    )
    return counted.fetchall()[0][0]


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    for batch in connection.sql(_ROWS).to_arrow_reader(16_384):
        yield pa.Table.from_batches([batch])
