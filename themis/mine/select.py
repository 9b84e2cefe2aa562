"""Select mined commits: repositories, languages, merge state, time windows; and split them by repository."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.mine.splits import assign, components
from themis.records import SCHEMAS, Ledger, read, write
from themis.vocabulary import LANGUAGES, language_of


@dataclass(frozen=True)
class Window:
    """A span of days in UTC, by commit date: `since` <= day < `until`; either end may be open."""

    since: datetime.date | None = None
    until: datetime.date | None = None

    def holds(self, seconds: pl.Expr) -> pl.Expr:
        """Whether a time in seconds since the epoch lies in the window."""
        inside = pl.lit(True)
        if self.since:
            inside &= seconds >= _midnight(self.since)
        if self.until:
            inside &= seconds < _midnight(self.until)
        return inside


def select(
    mined: Path,
    tables: Path,
    out: Path,
    ledger: Path,
    *,
    allow_lists: Sequence[Path],
    languages: Sequence[str],
    train: Window,
    benchmark: Window,
    benchmark_share: float,
    require_merged: bool,
    seed: int,
) -> pa.Table:
    """Write and return the selected table, sorted by id: mined rows with their language and split.

    A commit counts as merged where any of its repositories merged it and none reverted it. Repositories that share a
    commit anywhere in `tables` go to one split; a commit in the window of the other split is dropped.
    Raises Problem for an unreadable allow list or an unknown language.
    """
    unknown = [name for name in languages if name not in LANGUAGES]
    if unknown or not languages:
        raise Problem(f"language {unknown[0] if unknown else 'missing'}: choose among {', '.join(LANGUAGES)}")
    if not 0 <= benchmark_share <= 1:
        raise Problem(f"benchmark share {benchmark_share:g} is not in [0, 1]")
    merges_path, commits_path = Path(tables) / "merges.parquet", Path(tables) / "commits.parquet"
    rows = pl.from_arrow(read(mined, "mined"))
    merges = pl.from_arrow(read(merges_path, "merges", ["commit", "merged", "reverted"]))
    holders = pl.from_arrow(read(commits_path, "commits", ["repo_name"]))["repo_name"].unique()

    rows = _with_language(rows)
    rows = rows.join(
        merges.group_by("commit").agg(pl.col("merged").any(), pl.col("reverted").any()), on="commit", how="left"
    ).with_columns(
        in_train=train.holds(pl.col("committed_at")),
        in_benchmark=benchmark.holds(pl.col("committed_at")),
        allowed=_allowed(rows["repositories"], allow_lists),
    )
    reason = (
        pl.when(~pl.col("allowed")).then(pl.lit("repository not on the allow list"))
        .when(~pl.col("language").is_in(list(languages)).fill_null(False)).then(pl.lit("language not chosen"))
        .when(pl.lit(require_merged) & ~pl.col("merged").fill_null(False)).then(pl.lit("not merged"))
        .when(pl.lit(require_merged) & pl.col("reverted").fill_null(False)).then(pl.lit("reverted"))
        .when(~pl.col("in_train") & ~pl.col("in_benchmark")).then(pl.lit("outside both windows"))
    )  # fmt: skip
    rows = _with_split(rows.with_columns(reason=reason), holders, benchmark_share, seed)

    account = Ledger("select")
    selected = rows.filter(pl.col("reason").is_null()).sort("id").select(SCHEMAS["selected"].names)
    account.keep(rows=selected.height)
    for why, count in rows["reason"].drop_nulls().value_counts().iter_rows():
        account.drop(why, rows=count)
    table = selected.to_arrow().cast(SCHEMAS["selected"])
    inputs = [mined, merges_path, commits_path, *allow_lists]
    write(table, out, "selected", inputs=inputs, seed=seed)
    account.write(ledger, inputs=inputs)
    return table


def read_allow_list(path: Path) -> set[str]:
    """The owner/name entries of a JSON file, in lower case: a list, or a mapping of such lists.

    Raises Problem where the file is anything else.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Problem(f"{path}: not JSON: {str(error).splitlines()[0][:120]}") from None
    lists = data.values() if isinstance(data, dict) else [data]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        raise Problem(f"{path}: an allow list is a JSON list of owner/name, or a mapping of such lists")
    return {name.strip().lower() for names in lists for name in names}


def _midnight(day: datetime.date) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())


def _allowed(repositories: pl.Series, allow_lists: Sequence[Path]) -> pl.Series:
    if not allow_lists:
        return pl.repeat(True, len(repositories), eager=True)
    allowed = set().union(*(read_allow_list(path) for path in allow_lists))
    names = repositories.explode().unique().to_list()
    good = [name for name in names if name is not None and name.lower() in allowed]
    return repositories.list.eval(pl.element().is_in(good)).list.any()


def _with_language(rows: pl.DataFrame) -> pl.DataFrame:
    paths = rows["path"].unique().to_list()
    found = {path: language.name for path in paths if (language := language_of(path))}
    known = pl.DataFrame(
        {"path": list(found), "language": list(found.values())}, schema={"path": pl.String, "language": pl.String}
    )
    return rows.join(known, on="path", how="left")


def _with_split(rows: pl.DataFrame, holders: pl.Series, benchmark_share: float, seed: int) -> pl.DataFrame:
    """Add the split of each row's component, and a reason where the row lies in the other split's window."""
    component = components([*holders.to_list(), *rows["repositories"].to_list()])
    rows = rows.with_columns(
        component=pl.Series([component[name] for name in rows["repository"].to_list()], dtype=pl.String)
    )
    windows = (
        rows.filter(pl.col("reason").is_null())
        .group_by("component")
        .agg(pl.col("in_train").any(), pl.col("in_benchmark").any())
        .sort("component")
    )
    splits = assign({name: (train, benchmark) for name, train, benchmark in windows.iter_rows()}, benchmark_share, seed)
    assigned = pl.DataFrame(
        {"component": list(splits), "split": list(splits.values())},
        schema={"component": pl.String, "split": pl.String},
    )
    fits = pl.when(pl.col("split") == "train").then("in_train").otherwise("in_benchmark")
    return rows.join(assigned, on="component", how="left").with_columns(
        reason=pl.when(pl.col("reason").is_null() & ~fits).then(pl.lit("other split's window")).otherwise("reason")
    )
