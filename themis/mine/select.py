"""Select mined commits: repositories, languages, merge state, time windows; and split them by repository."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from themis.errors import Problem
from themis.mine.allow_list import list_files, read_allow_list
from themis.mine.database import database, fill, text
from themis.mine.splits import connect, split
from themis.progress import bar, track
from themis.records import Ledger, stream, write
from themis.records.tables import check
from themis.vocabulary import FILE_LANGUAGES

if TYPE_CHECKING:
    import duckdb

# A name in the list, in any spelling, allows every row that has it among its repositories.
_ALLOWED = """
CREATE TABLE allowed AS
SELECT DISTINCT named.place
FROM (SELECT file_row_number AS place, unnest(repositories) AS name FROM mined) AS named
SEMI JOIN allow_list ON allow_list.name = lower(named.name)
"""
_STATE = """
CREATE TABLE state AS
SELECT commit, bool_or(merged) AS merged, bool_or(reverted) AS reverted,
  bool_or(merged AND how <> 'direct') AS requested
FROM read_parquet({merges}) SEMI JOIN mined USING (commit)
WHERE merged OR reverted
GROUP BY commit
"""
_NO_STATE = "CREATE TABLE state (commit VARCHAR, merged BOOLEAN, reverted BOOLEAN, requested BOOLEAN)"
# The extension is pathlib's suffix: from the last dot of the name, unless the name begins or ends with it.
_JUDGED = r"""
CREATE TABLE judged AS
SELECT m.file_row_number AS place, e.language, c.component, {train} AS in_train, {benchmark} AS in_benchmark,
  CASE {rules} END AS reason
FROM mined AS m
JOIN components AS c ON c.name = m.repository
LEFT JOIN extensions AS e ON e.extension = lower(regexp_extract(m.path, '[^/](\.[^./]+)$', 1))
LEFT JOIN state AS s ON s.commit = m.commit
LEFT JOIN allowed AS a ON a.place = m.file_row_number
"""
_VERDICTS = """
SELECT j.language, p.split,
  CASE WHEN j.reason IS NOT NULL THEN j.reason
    WHEN NOT (CASE p.split WHEN 'train' THEN j.in_train ELSE j.in_benchmark END) THEN 'other split''s window'
  END AS reason
FROM judged AS j LEFT JOIN splits AS p ON p.component = j.component
ORDER BY j.place
"""


@dataclass(frozen=True)
class Window:
    """A span of days in UTC, by commit date: `since` <= day < `until`; either end may be open."""

    since: datetime.date | None = None
    until: datetime.date | None = None

    def holds(self, seconds: str) -> str:
        """SQL that says whether a column of seconds since the epoch lies in the window."""
        since = [f"{seconds} >= {_midnight(self.since)}"] if self.since else []
        until = [f"{seconds} < {_midnight(self.until)}"] if self.until else []
        return f"({' AND '.join(since + until) or 'true'})"


def select(
    mined: Path,
    forks: Path,
    merges: Path | None,
    out: Path,
    ledger: Path,
    *,
    allow_lists: Sequence[Path],
    languages: Sequence[str],
    train: Window,
    benchmark: Window,
    benchmark_share: float,
    require_merged: bool,
    require_request: bool,
    seed: int,
    threads: int = 1,
) -> Ledger:
    """Write the selected table, mined rows with their language and split in the same order; the ledger is returned too.

    A commit counts as merged where any of its repositories merged it and none reverted it, and as requested where one of
    them took it in by a merge, a squash or a pull request. Repositories that `forks` connects or that hold a mined
    commit together go to one split; a commit in the window of the other split is dropped. What is known of the rows
    lies in a database beside `out` until they are written: memory grows with the repositories, not with the rows.
    Raises Problem for an unreadable allow list, an unknown language, mined rows not sorted by id, or no `merges` where
    they are asked for.
    """
    unknown = [name for name in languages if name not in FILE_LANGUAGES]
    if unknown or not languages:
        raise Problem(f"language {unknown[0] if unknown else 'missing'}: choose among {', '.join(FILE_LANGUAGES)}")
    if not 0 <= benchmark_share <= 1:
        raise Problem(f"benchmark share {benchmark_share:g} is not in [0, 1]")
    if merges is None and (require_merged or require_request):
        raise Problem(f"{out}: no table says which commits were merged; give --merges or --no-require-merged")
    for path, schema in ((mined, "mined"), (forks, "forks"), *([(merges, "merges")] if merges else [])):
        check(path, schema)
    allowed = set().union(*map(read_allow_list, allow_lists))
    windows = {"train": train.holds("m.committed_at"), "benchmark": benchmark.holds("m.committed_at")}
    rules = {
        **({"repository not on the allow list": "a.place IS NOT NULL"} if allow_lists else {}),
        "language not chosen": f"e.language IN ({', '.join(map(text, languages))})",
        **({"not merged": "s.merged", "reverted": "NOT s.reverted"} if require_merged else {}),
        **({"not by a request": "s.requested"} if require_request else {}),
        "outside both windows": " OR ".join(windows.values()),
    }
    inputs = [mined, forks, *([merges] if merges else []), *list_files(allow_lists)]
    account = Ledger("select")
    account.keep(rows=0)
    with database(out, threads) as connection:
        for name, path, option in (("mined", mined, ", file_row_number = true"), ("forks", forks, "")):
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({text(path)}{option})")
        steps: tuple[Callable[[], object], ...] = (
            lambda: connect(connection),
            lambda: _allow(connection, allowed),
            lambda: connection.execute(_STATE.format(merges=text(merges)) if merges else _NO_STATE),
            lambda: _judge(connection, rules, windows),
            lambda: split(connection, benchmark_share, seed),
        )
        for step in track(steps, "select", unit="step"):
            step()
        write(_selected(connection, mined, account), out, "selected", inputs=inputs, seed=seed)
    account.write(ledger, inputs=inputs)
    return account


def _midnight(day: datetime.date) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())


def _allow(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Make the table allowed: the places of the rows that a list names."""
    fill(connection, "allow_list", {"name": pa.array(sorted(names), pa.string())})
    connection.execute(_ALLOWED)


def _judge(connection: duckdb.DuckDBPyConnection, rules: Mapping[str, str], windows: Mapping[str, str]) -> None:
    """Make the table judged: of every row its language, component and windows, and the first rule that it breaks."""
    known = [(extension, language.name) for language in FILE_LANGUAGES.values() for extension in language.extensions]
    extensions, names = zip(*known, strict=True)
    fill(connection, "extensions", {"extension": pa.array(extensions), "language": pa.array(names)})
    cases = " ".join(f"WHEN ({rule}) IS NOT TRUE THEN {text(reason)}" for reason, rule in rules.items())
    connection.execute(_JUDGED.format(rules=cases, **windows))


def _selected(connection: duckdb.DuckDBPyConnection, mined: Path, account: Ledger) -> Iterator[pa.Table]:
    """The mined rows that no rule drops, with what was found of them; the ledger counts all."""
    verdicts = connection.sql(_VERDICTS).to_arrow_reader(4096)
    waiting = verdicts.schema.empty_table()
    last = ""
    with bar("selected") as shown:
        for rows in stream(mined, "mined"):
            ids = pa.concat_arrays([pa.array([last], pa.string()), rows["id"].combine_chunks()])
            if not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
                raise Problem(
                    f"{mined}: rows are not sorted by id, or one is there twice; `themis mine` writes them so"
                )
            last = ids[-1].as_py()
            while waiting.num_rows < rows.num_rows:
                waiting = pa.concat_tables([waiting, pa.Table.from_batches([next(verdicts)])])
            verdict, waiting = waiting[: rows.num_rows], waiting[rows.num_rows :]
            for count in pc.value_counts(verdict["reason"].combine_chunks()).to_pylist():
                if count["values"] is None:
                    account.keep(rows=count["counts"])
                else:
                    account.drop(count["values"], rows=count["counts"])
            for name in ("language", "split"):
                rows = rows.append_column(name, verdict[name])
            shown.update(rows.num_rows)
            yield rows.filter(pc.is_null(verdict["reason"]))
