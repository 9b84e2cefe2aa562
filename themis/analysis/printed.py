"""The figures the paper prints, as data: every numeric cell of its result tables, and its hyperparameters."""

from __future__ import annotations

from importlib.resources import files

import polars as pl

SOURCE = "arXiv 2605.00754 (Themis), as printed"
ABLATED = "Themis-RM-8B"
# What each run of one criterion or one language was trained on: row, column.
TRAINED_ON = (
    ("Themis-RM-8B FC only", "Functional_Correctness"),
    ("Themis-RM-8B EE only", "Runtime_Efficiency"),
    ("Themis-RM-8B ME only", "Memory_Efficiency"),
    ("Themis-RM-8B R&M only", "Readability_Maintainability"),
    ("Themis-RM-8B SH only", "Security_Hardness"),
    ("Themis-RM-8B 50k Python", "Python"),
    ("Themis-RM-8B 50k Java", "Java"),
)


def printed() -> pl.DataFrame:
    """Every printed figure, one a row: table ("1", "2", "2 ablation", ...), row, size ("8B", or "" in table 1), column,
    printed.

    Rows keep the order of the file: the paper's order of rows and columns within a table. Accuracies and Hits@10 are in
    per cent, rank correlations in [-1, 1], table 1 counts pairs. Rows bear the names of the published score files,
    columns the benchmark's own spelling ("Functional_Correctness", "Cpp", "COMMITPREFS_SECURITY").
    """
    return _read("printed_tables.csv", {"printed": pl.Float64})


def hyperparameters() -> pl.DataFrame:
    """Table 5, one value a row, all text: setting, size ("" where it holds for every size), stage, value."""
    return _read("hyperparameters.csv", {})


def printed_table(*tables: str) -> pl.DataFrame:
    """The rows of `printed` of these tables."""
    return printed().filter(pl.col("table").is_in(tables))


def ablations(table: str) -> pl.DataFrame:
    """The ablations of the paper's 8B model in table "2" (criteria) or "3" (languages), after the full model's row."""
    rows = printed_table(table, f"{table} ablation")
    return rows.filter((pl.col("table") != table) | (pl.col("row") == ABLATED))


def _read(name: str, types: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    content = files("themis.analysis").joinpath("data", name).read_bytes()
    text = pl.read_csv(content, comment_prefix="#", infer_schema=False).fill_null("")
    return text.cast(types)
