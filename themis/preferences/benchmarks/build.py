"""A public benchmark, or a table of your own, as a table of schema "benchmark"; what is left out is counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from themis import chance
from themis.errors import Problem
from themis.preferences.benchmarks.candidate import Candidate
from themis.preferences.benchmarks.formats import FORMATS
from themis.preferences.benchmarks.source import Place, Source
from themis.preferences.collections.pair import NO_LANGUAGE, NO_RESPONSE
from themis.preferences.sieve import Sieve
from themis.records import SCHEMAS, Ledger, write
from themis.vocabulary import Criterion

_COLUMNS = SCHEMAS["benchmark"].names
_SCHEMA = dict.fromkeys((*Candidate._fields, "scope"), pl.String)


def public_benchmark(
    place: Place,
    out: Path,
    *,
    name: str,
    format_name: str,
    aspect: str,
    sample: int | None = None,
    seed: int,
    ledger: Path,
) -> pa.Table:
    """Write the benchmark to `out`, sorted by id, and its ledger; returns the table.

    `aspect` is the criterion of pairs that name none. Of a sample, at most so many pairs in an order of chance, those of
    one prompt all or none where the benchmark's rule needs them together; a larger one holds the smaller. The table's
    metadata name the rule, the source and the digest of what was read of it. Raises Problem where it cannot be read, or
    holds no pair.
    """
    if format_name not in FORMATS:
        raise Problem(f"benchmark {name}: format {format_name} is none of {', '.join(FORMATS)}")
    if aspect not in set(Criterion):
        raise Problem(f"benchmark {name}: aspect {aspect} is none of {', '.join(Criterion)}")
    form = FORMATS[format_name]
    source = Source(place, form)
    counts = Ledger(f"benchmark-{name}")
    sieve = Sieve(_frame(source, name, aspect), counts)
    sieve.drop_by(sieve.rows["reason"].to_list())
    sieve.drop(NO_RESPONSE, pl.any_horizontal(pl.col("prompt", "chosen", "rejected").str.strip_chars() == ""))
    sieve.drop(NO_LANGUAGE, pl.col("language").is_null())
    if form.rule is None:  # a rule of the benchmark's own counts them
        sieve.drop("identical", pl.col("chosen") == pl.col("rejected"))
    sieve.drop("duplicate id", pl.col("id").is_first_distinct().not_())
    if sample is not None:
        sieve.drop("not sampled", pl.col("row").is_in(_sampled(sieve.rows, sample, seed)).not_())
    rows = sieve.finish().sort("id").select(_COLUMNS)
    if rows.is_empty():
        small = f"; one prompt has more than the {sample} pairs of the sample" if sample is not None else ""
        raise Problem(f"benchmark {name}: {source.origin} holds no pair that can be used{small}")
    table = rows.to_arrow().cast(SCHEMAS["benchmark"])
    notes = {"source": source.origin, "source_digest": source.digest, "rule": form.rule or ""}
    write(table, out, "benchmark", inputs=source.files, seed=seed, notes=notes)
    counts.write(ledger, inputs=source.files)
    return table


def print_counts(table: pa.Table) -> None:
    """Print how many pairs there are by subset and language."""
    rows = pl.DataFrame(pl.from_arrow(table))
    counts = {(s, one): n for s, one, n in rows.group_by("subset", "language").len().iter_rows()}
    languages = sorted(rows["language"].unique().to_list())
    drawn = Table("subset", *languages, "all", box=None, header_style="bold")
    for subset in sorted(rows["subset"].unique().to_list()):
        drawn.add_row(*_line(subset, [counts.get((subset, one), 0) for one in languages]))
    drawn.add_row(*_line("all", [rows.filter(pl.col("language") == one).height for one in languages]))
    Console(highlight=False, width=120).print(drawn)


def _line(name: str, counts: Sequence[int]) -> list[str]:
    return [name, *(f"{count:,}" for count in (*counts, sum(counts)))]


def _frame(source: Source, name: str, aspect: str) -> pl.DataFrame:
    rows = []
    for found in source:
        pair = found._replace(aspect=found.aspect or aspect, subset=found.subset or name)
        named = pair._replace(id=pair.named())
        rows.append((*named._replace(row=named.row or named.id), named.subset))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _sampled(rows: pl.DataFrame, most: int, seed: int) -> list[str]:
    """Rows taken in an order of chance, whole, until the next one would be over the number."""
    sizes = rows.group_by("row").len().sort("row")
    names, lengths = sizes["row"].to_list(), sizes["len"].to_list()
    taken: list[str] = []
    for at in chance.order(seed, "benchmark sample", names):
        if (most := most - lengths[at]) < 0:
            break
        taken.append(names[at])
    return taken
