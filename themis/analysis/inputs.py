"""The tables the analysis reads, as Polars frames, with what joins them checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from themis import records
from themis.analysis.prompts import with_shared_prompts
from themis.errors import Problem


def read_scores(path: Path, benchmark: Path | None = None) -> pl.DataFrame:
    """Every model's rows of schema "scores", and a column `cluster`: a number per prompt. Pairs of one cluster are not
    independent. Where no benchmark's texts tell which pairs share a prompt, the scores do (`prompts.shared_prompts`).

    Raises Problem as `clustered` does.
    """
    return clustered(_frame(path, "scores"), path, benchmark)


def clustered(scores: pl.DataFrame, path: Path, benchmark: Path | None = None) -> pl.DataFrame:
    """Rows of schema "scores", read from `path`, with the column `cluster`.

    Raises Problem where there are none, a pair is there twice, models cover different pairs, or a pair is not in the
    benchmark.
    """
    if scores.is_empty():
        raise Problem(f"{path}: holds no scores; score at least one model on a benchmark with pairs")
    sizes = scores.group_by("model", maintain_order=True).agg(n=pl.len(), pairs=pl.col("id").n_unique())
    pairs = scores["id"].n_unique()
    for model, n, covered in sizes.iter_rows():
        if n != covered:
            raise Problem(f"{path}: {model} has {n} rows for {covered} pairs; gather the scores again")
        if covered != pairs:
            raise Problem(f"{path}: {model} covers {covered} of {pairs} pairs; score it on the same benchmark")
    if benchmark is None:
        return with_shared_prompts(scores)
    prompts = read_table(benchmark, "benchmark").select("id", cluster="prompt")
    joined = scores.join(prompts, on="id", how="left", maintain_order="left")
    if joined["cluster"].null_count():
        lost = joined.filter(pl.col("cluster").is_null())["id"][0]
        raise Problem(f"{path}: pair {lost} is not in {benchmark}; both must come from one run")
    return joined.with_columns(pl.col("cluster").rank("dense").cast(pl.Int64))


def read_table(path: Path, schema: str) -> pl.DataFrame:
    """One table of the named schema."""
    return _frame(path, schema)


def read_tables(paths: Sequence[Path], schema: str) -> pl.DataFrame:
    """Tables of one schema, one after the other; empty where no path is given."""
    empty = pl.from_arrow(records.SCHEMAS[schema].empty_table())
    return pl.concat([empty, *(_frame(path, schema) for path in paths)])


def read_measures(folder: Path, *names: str) -> dict[str, pl.DataFrame]:
    """FOLDER/<name>.parquet for each of the measures named, each of the schema of its name."""
    return {name: _frame(Path(folder) / f"{name}.parquet", name) for name in names}


def grouping(accuracies: pl.DataFrame, by: str) -> pl.DataFrame:
    """The accuracy table of one grouping out of the measure `accuracy`; empty where the study lacks it."""
    return accuracies.filter(pl.col("by") == by).drop("by")


def _frame(path: Path, schema: str) -> pl.DataFrame:
    return pl.from_arrow(records.read(Path(path), schema))
