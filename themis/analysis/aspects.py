"""Which criterion the commits improve: how many, how they were reached, how sure the classifiers are, some to read."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from themis import chance, records
from themis.analysis.accuracy import label, ordered_groups
from themis.analysis.contents import rows_of
from themis.analysis.examples import visible
from themis.analysis.pages import render
from themis.vocabulary import CODE_CRITERIA

WAYS = ("term", "classifier")
_BINS = 20
_LONGEST = 160  # characters of a message that is shown
_ROWS = 1 << 16


def yields(labelled: Path) -> pl.DataFrame:
    """Commits by what they improve: aspect (null: nothing), language, reached (term, classifier or none), commits, and
    kept, those within the caps."""
    columns = ["aspect", "language", "reached", "kept"]
    keys = ["aspect", "language", "reached"]
    schema = dict.fromkeys(keys, pl.String) | dict.fromkeys(("commits", "kept"), pl.Int64)
    parts = [pl.DataFrame(schema=schema)]
    for batch in _batches(labelled, columns):
        counts = (pl.len().cast(pl.Int64).alias("commits"), pl.col("kept").sum().cast(pl.Int64))
        parts.append(batch.group_by(keys).agg(*counts))
    return pl.concat(parts).group_by(keys).agg(pl.col("commits", "kept").sum()).sort(keys)


def grid(counts: pl.DataFrame, column: str) -> pl.DataFrame:
    """Commits per aspect and language, zeros included: aspect, language, n. `counts` is what `yields` returns, `column`
    commits or kept."""
    shown = counts.drop_nulls("aspect").group_by("aspect", "language").agg(n=pl.col(column).sum())
    languages = ordered_groups(shown["language"].unique().to_list())
    found = {(row["aspect"], row["language"]): row["n"] for row in shown.iter_rows(named=True)}
    rows = [(aspect.value, one, found.get((aspect.value, one), 0)) for aspect in CODE_CRITERIA for one in languages]
    return pl.DataFrame(rows, schema={"aspect": pl.String, "language": pl.String, "n": pl.Int64}, orient="row")


def reached(counts: pl.DataFrame) -> pl.DataFrame:
    """How the commits of each criterion were reached: aspect, way (term or classifier), commits. `counts` is what
    `yields` returns."""
    found = {(row["aspect"], row["reached"]): 0 for row in counts.iter_rows(named=True)}
    for row in counts.iter_rows(named=True):
        found[row["aspect"], row["reached"]] += row["commits"]
    rows = [(aspect.value, way, found.get((aspect.value, way), 0)) for aspect in CODE_CRITERIA for way in WAYS]
    return pl.DataFrame(rows, schema={"aspect": pl.String, "way": pl.String, "commits": pl.Int64}, orient="row")


def probabilities(labelled: Path) -> pl.DataFrame:
    """Probabilities of each criterion over all commits in bins of 0.05: criterion, low, commits, and of them given:
    those whose aspect it is."""
    parts = [pl.DataFrame(schema={"criterion": pl.String, "bin": pl.Int64, "commits": pl.Int64, "given": pl.Int64})]
    for batch in _batches(labelled, ["aspect", *(criterion.value for criterion in CODE_CRITERIA)]):
        for criterion in CODE_CRITERIA:
            place = (pl.col(criterion.value) * _BINS).floor().cast(pl.Int64).clip(0, _BINS - 1)
            given = pl.col("aspect").eq_missing(criterion.value).sum().cast(pl.Int64)
            counts = batch.group_by(bin=place).agg(commits=pl.len().cast(pl.Int64), given=given)
            parts.append(counts.select(pl.lit(criterion.value).alias("criterion"), "bin", "commits", "given"))
    sums = pl.concat(parts).group_by("criterion", "bin").agg(pl.col("commits", "given").sum()).sort("criterion", "bin")
    return sums.select("criterion", (pl.col("bin") / _BINS).alias("low"), "commits", "given")


def thresholds(metrics: pl.DataFrame) -> dict[str, float | None]:
    """The threshold of each criterion's classifier, None where it is not used; absent where there is none. `metrics` is
    the table that train-aspects writes."""
    own = metrics.filter(pl.col("stage") == "aspects", pl.col("metric") == "threshold")
    return dict(own.select("subject", "value").iter_rows())


def answer(counts: pl.DataFrame, metrics: pl.DataFrame) -> str:
    """What was labelled in short. `counts` is what `yields` returns."""
    total = int(counts["commits"].sum())
    by = {way: int(counts.filter(pl.col("reached") == way)["commits"].sum()) for way in WAYS}
    named = sum(by.values())
    share = f" ({named / total:.1%})" if total else ""
    found = thresholds(metrics)
    used = sum(value is not None for value in found.values())
    said = f"{named:,} of {total:,} commits{share} improve a criterion: {by['term']:,} are reached by a search term"
    said += f" and {by['classifier']:,} by a classifier alone; {int(counts['kept'].sum()):,} are within the caps."
    if not found:
        return f"{said} No criterion had seeds enough for a classifier."
    return f"{said} Of {len(found)} classifiers {used} {'is' if used == 1 else 'are'} precise enough to be used."


def drawn(labelled: Path, number: int, seed: int) -> pl.DataFrame:
    """`number` commits of each criterion drawn by chance: aspect, id, probability, reached, in the criteria's order."""
    heaps: dict[str, list[tuple[int, str, float, str]]] = {criterion.value: [] for criterion in CODE_CRITERIA}
    for batch in _batches(labelled, ["id", "aspect", "reached", *heaps]):
        for row in batch.drop_nulls("aspect").iter_rows(named=True):
            heap = heaps[row["aspect"]]
            place = -chance.digest(seed, "aspects/example", row["id"])  # the heap drops the least: the last in order
            heapq.heappush(heap, (place, row["id"], row[row["aspect"]], row["reached"]))
            if len(heap) > number:
                heapq.heappop(heap)
    rows = [(name, *one[1:]) for name, heap in heaps.items() for one in sorted(heap, reverse=True)]
    return pl.DataFrame(rows, schema=["aspect", "id", "probability", "reached"], orient="row")


def example_table(labelled: Path, examples: pl.DataFrame) -> str:
    """HTML of the commits' messages by criterion; `examples` is what `drawn` returns."""
    found = rows_of(labelled, examples["id"].to_list(), ["repository", "path", "language", "subject"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in examples.iter_rows(named=True):
        own = found[row["id"]]
        said = {name: visible(own[name])[:_LONGEST] for name in ("repository", "path", "language", "subject")}
        groups.setdefault(label(row["aspect"]), []).append(said | row)
    return render("commits_by_criterion.html.j2", groups=groups)


def _batches(labelled: Path, columns: list[str]) -> Iterator[pl.DataFrame]:
    for table in records.stream(labelled, "labelled", columns, rows=_ROWS):
        yield pl.DataFrame(pl.from_arrow(table))
