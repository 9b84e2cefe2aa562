"""What preference pairs are made of: criteria, languages, and whether the better code is the longer."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from themis.analysis.accuracy import OVERALL, ordered_groups
from themis.analysis.intervals import clustered_wilson


def composition(pairs: pl.DataFrame) -> pl.DataFrame:
    """Number of pairs per aspect and language, zeros included: aspect, language, n. `pairs` is a training set or a
    benchmark."""
    counts = pairs.group_by("aspect", "language").agg(n=pl.len())
    aspects, languages = (ordered_groups(pairs[name].unique().to_list()) for name in ("aspect", "language"))
    every = pl.DataFrame(
        {
            "aspect": [aspect for aspect in aspects for _ in languages],
            "language": languages * len(aspects),
        },
        schema={"aspect": pl.String, "language": pl.String},
    )
    joined = every.join(counts, on=["aspect", "language"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("n").fill_null(0).cast(pl.Int64))


def lengths(pairs: pl.DataFrame) -> pl.DataFrame:
    """How the chosen response compares in length (characters) with the rejected, over all pairs and by aspect.

    Columns: aspect, n, longer, equal, shorter (pairs), share_longer of n with its 95% interval (low, high; pairs that
    share a prompt are not independent), chosen_median and rejected_median.
    """
    prompt = "prompt" if "prompt" in pairs.columns else "input"
    measured = pairs.select(
        "aspect",
        prompt,
        chosen=pl.col("chosen").str.len_chars().cast(pl.Int64),
        rejected=pl.col("rejected").str.len_chars().cast(pl.Int64),
    )
    groups = [OVERALL, *ordered_groups(measured["aspect"].unique().to_list())]
    rows = []
    for group in groups:
        part = measured if group == OVERALL else measured.filter(pl.col("aspect") == group)
        longer = part["chosen"] > part["rejected"]
        share = clustered_wilson(longer.to_numpy(), part[prompt].to_numpy())
        equal = int((part["chosen"] == part["rejected"]).sum())
        rows.append(
            {
                "aspect": group,
                "n": part.height,
                "longer": int(longer.sum()),
                "equal": equal,
                "shorter": part.height - int(longer.sum()) - equal,
                "share_longer": share.value,
                "low": share.low,
                "high": share.high,
                "chosen_median": part["chosen"].median(),
                "rejected_median": part["rejected"].median(),
            }
        )
    return pl.DataFrame(rows)


def joined(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Tables of several data sets as one, the set's name in the first column; null where a set has no such column."""
    named = [table.select(pl.lit(name).alias("set"), pl.all()) for name, table in tables.items()]
    return pl.concat(named, how="diagonal")


def answer(flow: pl.DataFrame, sets: Mapping[str, pl.DataFrame], lengths: Mapping[str, pl.DataFrame]) -> str:
    """What the data are, in short: commits that came in, pairs that came out, and how often the better is the longer.
    `flow` is what `attrition.flow` returns."""
    came = flow["rows_in"][0] if flow.height else 0
    sizes = ", ".join(f"{pairs.height:,} ({name[0].lower()}{name[1:]})" for name, pairs in sets.items())
    said = []
    for name, table in lengths.items():
        row = table.row(0, named=True)
        if not row["n"]:
            continue
        interval = f"{100 * row['low']:.0f}–{100 * row['high']:.0f}"
        said.append(f"{row['share_longer']:.0%} ({name[0].lower()}{name[1:]}; 95% interval {interval})")
    longer = f" The better code is the longer in {', '.join(said)}." if said else ""
    return f"From {came:,} commits come pairs: {sizes}.{longer}"
