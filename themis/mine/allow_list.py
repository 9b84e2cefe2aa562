"""Allow lists of repositories: read in the published JSON form, and built from repository metadata."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from themis.errors import Problem
from themis.records import Ledger
from themis.vocabulary import FILE_LANGUAGES

_SCANS = {
    ".parquet": pl.scan_parquet,
    ".csv": pl.scan_csv,
    ".jsonl": pl.scan_ndjson,
    ".ndjson": pl.scan_ndjson,
}
_NAME = r"^[^/\s]+/[^/\s]+$"
_NO_LANGUAGE = "other"


def read_allow_list(path: Path) -> set[str]:
    """The owner/name entries in lower case of a JSON file, or of every .json file of a folder.

    A file holds a list, or a mapping of such lists. Raises Problem where it is anything else or a folder has none.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise Problem(f"{path}: no .json file; an allow list is a JSON file or a folder of them")
        return set().union(*map(read_allow_list, files))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Problem(f"{path}: not JSON: {str(error).splitlines()[0][:120]}") from None
    lists = data.values() if isinstance(data, dict) else [data]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        raise Problem(f"{path}: an allow list is a JSON list of owner/name, or a mapping of such lists")
    return {name.strip().lower() for names in lists for name in names}


def list_files(paths: Iterable[Path]) -> list[Path]:
    """The files that allow lists given as files and folders are read from."""
    return [file for path in map(Path, paths) for file in ([path] if path.is_file() else sorted(path.glob("*.json")))]


def build_allow_list(
    metadata: Path, out: Path, *, min_stars: int = 15, min_contributors: int = 5, min_issues: int = 10
) -> Ledger:
    """Write the repositories that reach all three numbers; the ledger returned counts every row and why it was dropped.

    `metadata` is a .parquet, .csv or .jsonl file with the columns repository (owner/name), stars, contributors and
    issues. An `out` that ends in .json is one sorted list; any other is a folder with a list per language, which needs
    a column language. A value that is missing or no number is not zero: it drops the row with that reason. Names are
    the same whatever their case; the first spelling in sorted order is kept. Source of the numbers: paper, footnote 2.
    """
    least = {"stars": min_stars, "contributors": min_contributors, "issues": min_issues}
    out, by_language = Path(out), Path(out).suffix != ".json"
    rows = _metadata(Path(metadata), [*least, *(["language"] if by_language else [])])
    named = pl.col("repository").str.contains(_NAME).fill_null(False)
    reason = pl.when(~named).then(pl.lit("name is not owner/name"))
    for column in least:
        reason = reason.when(pl.col(column).is_null()).then(pl.lit(f"{column} missing"))
    for column, number in least.items():
        reason = reason.when(pl.col(column) < number).then(pl.lit(f"fewer than {number} {column}"))
    rows = rows.with_columns(reason=reason).sort("repository", maintain_order=True)
    passed = rows.filter(pl.col("reason").is_null())
    good = passed.filter(pl.col("repository").str.to_lowercase().is_first_distinct())

    account = Ledger("allow_list")
    account.keep(rows=good.height)
    account.drop("listed twice", rows=passed.height - good.height)
    for why, count in rows["reason"].drop_nulls().value_counts().iter_rows():
        account.drop(why, rows=count)
    if not by_language:
        _write(good["repository"].to_list(), out)
        return account
    if list_files([out]):
        raise Problem(f"{out}: has lists already, which would stay; name an empty folder")
    names = good.with_columns(file=pl.col("language").map_elements(_file_name, pl.String, skip_nulls=False))
    for (file,), part in names.group_by("file"):
        _write(part["repository"].to_list(), out / f"{file}.json")
    return account


def _metadata(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The columns repository and those named, numbers as integers or null. Raises Problem where one is missing."""
    scan = _SCANS.get(path.suffix.lower())
    if scan is None:
        raise Problem(f"{path}: repository metadata is a {', '.join(_SCANS)} file")
    try:
        rows = scan(path)
        found = rows.collect_schema().names()
        missing = [name for name in ("repository", *columns) if name not in found]
        if missing:
            raise Problem(f"{path}: column {missing[0]} is missing; there are {', '.join(found)}")
        texts = [pl.col(name).cast(pl.String).str.strip_chars() for name in ("repository", "language")]
        numbers = [pl.col(name).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False) for name in columns[:3]]
        return rows.select(*texts[: len(columns) - 2], *numbers).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Problem(f"{path}: cannot be read: {str(error).splitlines()[0][:200]}") from None


def _file_name(language: str | None) -> str:
    """The key of a known language, else its name with anything but letters and digits as hyphens."""
    if language in FILE_LANGUAGES:
        return FILE_LANGUAGES[language].key
    return re.sub(r"[^a-z0-9]+", "-", (language or "").lower()).strip("-") or _NO_LANGUAGE


def _write(names: list[str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
    ) as file:
        json.dump(names, file, ensure_ascii=False)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
