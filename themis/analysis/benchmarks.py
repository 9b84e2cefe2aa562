"""Every model on every public benchmark: plain and length-controlled accuracy, by the benchmark's own sections too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from themis import records
from themis.analysis import intervals
from themis.analysis.accuracy import MACRO, accuracy_table
from themis.analysis.benchmark_rules import sections
from themis.analysis.inputs import clustered, read_table, read_tables
from themis.analysis.length_bias import length_bias
from themis.analysis.panel import OVERALL, Panel, panel
from themis.analysis.resampling import Resampler
from themis.analysis.tables import estimate
from themis.errors import Problem
from themis.progress import track

SECTION = "section"  # the grouping by the benchmark's own rule
_GROUPINGS = ("aspect", "language", "subset")
_COLUMNS = records.SCHEMAS["benchmarks"].names
_PLAIN = ("n", "missing", "strict", "strict_low", "strict_high", "half_credit", "low", "high")


def measure_benchmarks(
    benchmarks: Sequence[Path],
    scores: Sequence[Path],
    out: Path,
    *,
    csv: Path | None = None,
    seed: int = 0,
    resamples: int = intervals.RESAMPLES,
) -> pl.DataFrame:
    """The table of schema "benchmarks", written to `out` and as CSV; benchmarks in the order given.

    `by` is overall; aspect, language or subset (whose groups are those of `accuracy_table`, the macro average with them);
    and section, where the benchmark has a rule of its own (`benchmark_rules.sections`). controlled is `length_bias`'s:
    the mean of the half-credit accuracies on pairs whose chosen response is the longer and the shorter. Pairs that share
    a prompt are resampled together. Raises Problem where scores are of no benchmark given, a benchmark has none, or two
    models were not scored on the same pairs.
    """
    tables = {path.stem: path for path in map(Path, benchmarks)}
    rows = read_tables(scores, "scores")
    if unknown := sorted(set(rows["benchmark"].unique().to_list()) - tables.keys()):
        raise Problem(f"scores on {unknown[0]}: its table is not given; name it with --benchmark")
    found = []
    for name, path in track(list(tables.items()), "benchmarks", unit="benchmark"):
        own = rows.filter(pl.col("benchmark") == name)
        if own.is_empty():
            raise Problem(f"benchmark {name}: no model was scored on it")
        rule = records.metadata(path).get("rule") or None
        data = panel(clustered(own, path, path))
        table = benchmark_accuracy(data, read_table(path, "benchmark"), rule, seed=seed, resamples=resamples)
        found.append(table.with_columns(benchmark=pl.lit(name)).select(_COLUMNS))
    table = pl.concat(found)
    records.write(table.to_arrow(), Path(out), "benchmarks", inputs=[*benchmarks, *scores], seed=seed)
    if csv:
        Path(csv).parent.mkdir(parents=True, exist_ok=True)
        table.write_csv(csv)
    return table


def benchmark_accuracy(
    data: Panel, pairs: pl.DataFrame, rule: str | None, *, seed: int = 0, resamples: int = intervals.RESAMPLES
) -> pl.DataFrame:
    """The same of one benchmark, whose texts are `pairs` (schema "benchmark"), without its name."""
    resampler = Resampler(data, seed, resamples)
    found = []
    for by in _GROUPINGS:
        lengths = length_bias(data, pairs, by=by, seed=seed, resamples=resamples)
        lengths = lengths.select(
            "model", "group", "longer", "equal", "shorter", "controlled", controlled_low="low", controlled_high="high"
        )
        plain = accuracy_table(data, by, resampler).select("model", "group", *_PLAIN)
        joined = plain.join(lengths, on=["model", "group"], how="left", maintain_order="left")
        overall = pl.col("group") == OVERALL
        kept = joined.with_columns(by=pl.when(overall).then(pl.lit(OVERALL)).otherwise(pl.lit(by)))
        found.append(kept if by == _GROUPINGS[0] else kept.filter(~overall))
    if rule:
        found.insert(0, sections(rule, data, seed=seed, resamples=resamples).with_columns(by=pl.lit(SECTION)))
    return pl.concat(found, how="diagonal")


def print_benchmarks(table: pl.DataFrame, console: Console | None = None) -> None:
    """Print, for each benchmark, every model by its sections, or by subset where it has no rule of its own."""
    console = console or Console(highlight=False, width=140)
    for name, own in table.group_by("benchmark", maintain_order=True):
        by = SECTION if (own["by"] == SECTION).any() else "subset"
        shown = own.filter((pl.col("by") == OVERALL) if by != SECTION else pl.lit(False))
        shown = pl.concat([shown, own.filter((pl.col("by") == by) & (pl.col("group") != MACRO))])
        console.print()
        console.print(f"{name[0]}: half credit [95% interval], strict, length-controlled, n, missing")
        drawn = Table(box=None, header_style="bold")
        for column in ("model", by, "half credit", "strict", "controlled", "n", "missing"):
            drawn.add_column(column, no_wrap=True)
        for row in shown.sort("model", maintain_order=True).iter_rows(named=True):
            level = row["controlled"]
            drawn.add_row(
                row["model"], row["group"], estimate(row["half_credit"], row["low"], row["high"]),
                f"{row['strict']:.3f}", "" if level is None else f"{level:.3f}", f"{row['n']:,}", f"{row['missing']:,}",
            )  # fmt: skip
        console.print(drawn)
