"""What was mined and what was selected: commits counted by language, licence, time, message and repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from themis import records
from themis.analysis.attrition import SPLITS
from themis.vocabulary import language_of

MINED = "mined"
NO_EXTENSION = "no extension"
NO_WORD = "no word"
# What the subject of a commit may show, or its message as a whole.
PATTERNS: dict[str, pl.Expr] = {
    "names an issue or a pull request (#123)": pl.col("message").str.contains(r"(?:^|[^\w&])#\d+\b"),
    "one line only": pl.col("message").str.strip_chars().str.contains("\n", literal=True).not_(),
    "conventional (fix: or fix(parser):)": pl.col("subject").str.contains(r"^[A-Za-z]+(?:\([^)]*\))?!?: "),
    "begins with a tag ([parser] or parser:)": pl.col("subject").str.contains(r"^(?:\[[^\]]+\]|[\w./-]+:)\s"),
    "signed off": pl.col("message").str.contains(r"(?im)^signed-off-by:"),
    "says that it reverts": pl.col("message").str.contains(r"(?i)^revert\b|this reverts commit"),
}
_ROWS = 1 << 16  # read at a time
_MERGE = 1 << 18  # counts held before they are summed
_EARLIEST, _LATEST = -62135596800, 253402300799  # seconds of the years 1 and 9999
_LONGEST_EXTENSION = 12
_NOTHING = pl.DataFrame(schema={"by": pl.String, "value": pl.String, "of": pl.String, "commits": pl.Int64})


def survey(mined: Path, selected: Path) -> pl.DataFrame:
    """How many commits have a property: by, value, and the columns mined, train and benchmark (of those selected).

    `by` is all, language (or the extension of a file in none), license, month (YYYY-MM), repository, length (twice the
    binary logarithm of the message's characters, rounded down), first_word or pattern. A commit has several patterns or
    none, and one value of all else. Both tables are read in batches.
    """
    counts = pl.concat([_counts(mined, "mined"), _counts(selected, "selected")])
    return (
        counts.group_by("by", "value")
        .agg(*(pl.col("commits").filter(pl.col("of") == name).sum().alias(name) for name in (MINED, *SPLITS)))
        .sort("by", "value")
    )


def top(survey: pl.DataFrame, by: str, number: int = 99) -> pl.DataFrame:
    """The values of one property that most mined commits have, and what all others come to in a last row: value,
    mined, train, benchmark, rest (whether it is that row)."""
    rows = of(survey, by).sort(MINED, "value", descending=[True, False]).with_columns(rest=pl.lit(False))
    if rows.height <= number + 1:
        return rows
    others = rows[number:]
    name = pl.lit(f"{others.height:,} others").alias("value")
    return pl.concat([rows[:number], others.select(name, pl.col(MINED, *SPLITS).sum(), rest=pl.lit(True))])


def of(survey: pl.DataFrame, by: str) -> pl.DataFrame:
    """The rows of one property: value, mined, train, benchmark."""
    return survey.filter(pl.col("by") == by).drop("by")


def total(survey: pl.DataFrame, column: str = MINED) -> int:
    """All commits of a column."""
    return int(of(survey, "all")[column].sum())


def months(survey: pl.DataFrame) -> pl.DataFrame:
    """Every month from the first to the last with commits, those without included: month (its first day), mined, train,
    benchmark. A month outside which less than one commit in a thousand lies at either end holds those too: clocks of
    1970 or 2038 would leave no room for the others."""
    rows = of(survey, "month").with_columns(month=pl.col("value").str.to_date("%Y-%m")).sort("month")
    if rows.is_empty():
        return rows.select("month", MINED, *SPLITS)
    weight = rows[MINED] + rows["train"] + rows["benchmark"]
    share = weight.cum_sum() / weight.sum()
    first = rows["month"][int((share < 0.001).sum())]
    last = rows["month"][min(int((share < 0.999).sum()), rows.height - 1)]
    rows = rows.group_by(pl.col("month").clip(first, last)).agg(pl.col(MINED, *SPLITS).sum())
    every = pl.DataFrame({"month": pl.date_range(first, last, "1mo", eager=True)})
    return every.join(rows, on="month", how="left", maintain_order="left").fill_null(0)


def years(months: pl.DataFrame) -> pl.DataFrame:
    """The same by year: value, mined, train, benchmark. `months` is what `months` returns."""
    return (
        months.group_by(value=pl.col("month").dt.year().cast(pl.String)).agg(pl.col(MINED, *SPLITS).sum()).sort("value")
    )


def lengths(survey: pl.DataFrame) -> pl.DataFrame:
    """Messages by length: shortest and longest (characters of the bin, its upper end excluded), mined, train, benchmark."""
    place = pl.col("value").cast(pl.Int64)
    ends = ((2 ** (place / 2)).ceil().alias("shortest"), (2 ** ((place + 1) / 2)).ceil().alias("longest"))
    return of(survey, "length").select(*(end.cast(pl.Int64) for end in ends), MINED, *SPLITS).sort("shortest")


def repository_sizes(survey: pl.DataFrame) -> pl.DataFrame:
    """Repositories by the commits mined from them, in bins that double: fewest, most, repositories, commits."""
    rows = of(survey, "repository").filter(pl.col(MINED) > 0)
    return (
        rows.group_by(place=pl.col(MINED).log(2).floor().cast(pl.Int64))
        .agg(repositories=pl.len().cast(pl.Int64), commits=pl.col(MINED).sum())
        .sort("place")
        .select(
            (2 ** pl.col("place")).cast(pl.Int64).alias("fewest"),
            (2 ** (pl.col("place") + 1) - 1).cast(pl.Int64).alias("most"),
            "repositories",
            "commits",
        )
    )


def answer(flow: pl.DataFrame, survey: pl.DataFrame) -> str:
    """What became of the commits in short: how many came in, were mined and selected, and the chief reasons why not.
    `flow` is what `attrition.flow` returns."""
    came = flow["rows_in"][0] if flow.height else 0
    mined, train, benchmark = (total(survey, name) for name in (MINED, *SPLITS))
    said = f"Of {came:,} commits {mined:,}{_share(mined, came)} were mined, and of these {train + benchmark:,}"
    said += f"{_share(train + benchmark, mined)} selected: {train:,} for training, {benchmark:,} for the benchmark."
    chief = dropped(flow)[:3].select("reason", "rows_dropped").iter_rows()
    reasons = ", ".join(f"{reason} ({rows:,})" for reason, rows in chief)
    return f"{said} The chief reasons for leaving one out: {reasons}." if reasons else said


def dropped(flow: pl.DataFrame) -> pl.DataFrame:
    """Why commits were not mined or not selected, the most frequent reason first: stage, reason, rows_dropped."""
    here = pl.col("stage").is_in(["mine", "select"]) & pl.col("reason").is_not_null()
    return (
        flow.filter(here)
        .select("stage", "reason", "rows_dropped")
        .sort("rows_dropped", "stage", "reason", descending=[True, False, False])
    )


def merge_answer(flow: pl.DataFrame) -> str:
    """How many mined commits were not selected for how they were merged, or because they were taken back."""
    reasons = dropped(flow).filter(pl.col("stage") == "select")
    said = [
        f"{rows:,} {reason}"
        for _, reason, rows in reasons.iter_rows()
        if any(word in reason for word in ("merge", "revert", "request"))
    ]
    return (
        f"Not selected: {', '.join(said)}." if said else "No commit was left out for how it was merged or for a revert."
    )


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""


def _counts(path: Path, schema: str) -> pl.DataFrame:
    """by, value, of (the column counted in: mined, or the row's split), commits."""
    names = ["path", "license", "repository", "subject", "message", "committed_at"]
    names += ["language", "split"] if schema == "selected" else []
    held = [_NOTHING]
    for batch in records.stream(path, schema, names, rows=_ROWS):
        held += _tallies(_properties(pl.from_arrow(batch)))
        if sum(part.height for part in held) > _MERGE:
            held = [_summed(held)]
    return _summed(held)


def _properties(rows: pl.DataFrame) -> pl.DataFrame:
    """A column per property of a commit."""
    subject = pl.col("subject").str.strip_chars()
    word = subject.str.extract(r"^[^\p{L}\p{N}]*(\p{L}{1,20})(?:[^\p{L}\p{N}_]|$)").str.to_lowercase()
    seconds = pl.col("committed_at").clip(_EARLIEST, _LATEST)
    return rows.select(
        "license",
        "repository",
        pl.lit("").alias("all"),
        of=pl.col("split") if "split" in rows.columns else pl.lit(MINED),
        language=pl.col("language") if "language" in rows.columns else _languages(rows["path"]),
        month=pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m"),
        length=pl.col("message").str.len_chars().clip(1).log(2).mul(2).floor().cast(pl.Int64).cast(pl.String),
        first_word=word.fill_null(NO_WORD),
        **PATTERNS,
    )


def _languages(paths: pl.Series) -> pl.Series:
    """The language of each path, or its extension where it is in none."""
    ends = paths.str.extract(r"[^/](\.[^./]+)$").str.to_lowercase()
    names = {end: _language(end) for end in ends.unique() if end is not None}
    return ends.replace_strict(names, default=NO_EXTENSION, return_dtype=pl.String)


def _language(extension: str) -> str:
    language = language_of(f"file{extension}")
    return language.name if language else extension[:_LONGEST_EXTENSION]


def _tallies(properties: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for name in properties.columns:
        if name == "of":
            continue
        flag = name in PATTERNS
        rows = properties.filter(pl.col(name)) if flag else properties
        by, value = ("pattern", pl.lit(name)) if flag else (name, pl.col(name))
        counts = rows.group_by(value.alias("value"), "of").agg(commits=pl.len().cast(pl.Int64))
        yield counts.select(pl.lit(by).alias("by"), "value", "of", "commits")


def _summed(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("by", "value", "of").agg(pl.col("commits").sum())
