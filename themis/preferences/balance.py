"""Length balance: in how many pairs the chosen response is the longer, and as many of either kind where asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from themis import chance
from themis.errors import Problem
from themis.records import SCHEMAS

CELL = ("source", "aspect", "language")


def differences(pairs: pa.Table) -> np.ndarray:
    """By how many characters chosen is longer than rejected, int64 [N]; below zero where it is shorter."""
    chosen, rejected = (pc.utf8_length(pairs[name]).to_numpy().astype(np.int64) for name in ("chosen", "rejected"))
    return chosen - rejected


def keep(rows: pl.DataFrame, seed: int, within: Sequence[str] = CELL) -> np.ndarray:
    """Which rows are kept so that in every cell chosen is the longer as often as it is the shorter, bool [N].

    `rows` has idx, difference (see `differences`) and the columns of `within`, which make the cells; without any, nothing
    is balanced. A hash of the row id picks among the kind that has more, so the order of the rows does not matter. Pairs
    of equal lengths stay. Raises Problem where `within` names another column.
    """
    if unknown := set(within) - set(CELL):
        raise Problem(f"length balance: {', '.join(sorted(unknown))} is none of {', '.join(CELL)}")
    kept = np.ones(rows.height, bool)
    if not within:
        return kept
    longer, shorter = pl.col("difference") > 0, pl.col("difference") < 0
    fewer = pl.min_horizontal(longer.sum().over(within), shorter.sum().over(within))
    sided = (
        rows.with_row_index("at")
        .with_columns(fewer=fewer)
        .filter(pl.col("difference") != 0)
        .select("at", "idx", "fewer", *within, longer=longer)
    )
    more = sided.filter(pl.len().over(*within, "longer") > pl.col("fewer"))
    drawn = pl.Series("drawn", [chance.digest(seed, "length balance", idx) for idx in more["idx"]], dtype=pl.UInt64)
    ranked = more.with_columns(drawn).sort("drawn", "idx")
    over = ranked.filter(pl.int_range(pl.len()).over(within) >= pl.col("fewer"))
    kept[over["at"].to_numpy()] = False
    return kept


def lengths(rows: pl.DataFrame, kept: np.ndarray, name: str) -> pa.Table:
    """The lengths table of the set `name`: how many pairs have chosen longer, as long, shorter, per source, criterion and
    language, before balancing and after it. `rows` and `kept` are what `keep` takes and gives."""
    counts = (
        pl.concat([_counts(rows, "before"), _counts(rows.filter(pl.Series(kept, dtype=pl.Boolean)), "after")])
        .with_columns(pl.lit(name).alias("set"))
        .sort("moment", *CELL, descending=[True, False, False, False])
    )
    return counts.select(SCHEMAS["lengths"].names).to_arrow().cast(SCHEMAS["lengths"])


def _counts(rows: pl.DataFrame, moment: str) -> pl.DataFrame:
    difference = pl.col("difference")
    return rows.group_by(CELL).agg(
        pl.lit(moment).alias("moment"),
        longer=(difference > 0).sum().cast(pl.Int64),
        equal=(difference == 0).sum().cast(pl.Int64),
        shorter=(difference < 0).sum().cast(pl.Int64),
    )
