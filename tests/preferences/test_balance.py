"""Length balance: chosen is the longer as often as the shorter, and a hash of the row id says who stays."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.preferences import balance


@pytest.fixture(scope="module")
def rows():
    """Cells of every make: more longer ones, more shorter ones, only ties, one side alone."""
    source = np.random.default_rng(0)
    cells = [
        ("a", "x", "C", [3] * 40 + [-1] * 25 + [0] * 5),
        ("a", "x", "Go", [-2] * 9 + [7] * 4),
        ("a", "y", "C", [0] * 3),
        ("b", "x", "C", [1] * 6),
    ]
    table = pl.DataFrame(
        [(*cell, difference) for *cell, differences in cells for difference in differences],
        schema=["source", "aspect", "language", "difference"],
        orient="row",
    )
    table = table.with_columns(idx=pl.Series([f"row{at}" for at in range(len(table))]))
    return table[source.permutation(len(table)).tolist()]


def kept(rows, seed=7, **options):
    return rows.filter(pl.Series(balance.keep(rows, seed, **options)))


@pytest.mark.parametrize("within", [("source", "aspect", "language"), ("source",), ("language", "aspect")])
def test_either_is_the_longer_as_often_in_every_cell(rows, within):
    for cell, group in rows.group_by(within):
        left = [one for one in kept(rows, within=within).iter_rows(named=True) if tuple(one[c] for c in within) == cell]
        signs = np.sign([one["difference"] for one in left])
        before = np.sign(group["difference"].to_numpy())
        fewer = min((before > 0).sum(), (before < 0).sum())
        assert ((signs > 0).sum(), (signs < 0).sum()) == (fewer, fewer)
        assert (signs == 0).sum() == (before == 0).sum()


def test_who_stays_depends_on_seed_and_row_alone(rows):
    stays = set(kept(rows)["idx"])
    assert set(kept(rows.reverse())["idx"]) == stays
    assert set(kept(rows, seed=8)["idx"]) != stays
    # Another cell's rows change nothing in this one.
    alone = rows.filter(pl.col("language") == "C", pl.col("source") == "a")
    assert set(kept(alone)["idx"]) == set(kept(rows).filter(pl.col("language") == "C", pl.col("source") == "a")["idx"])


def test_without_cells_nothing_is_balanced_and_an_unknown_one_is_named(rows):
    assert balance.keep(rows, 7, ()).all()
    assert balance.keep(rows.head(0), 7).shape == (0,)
    with pytest.raises(Problem, match="author"):
        balance.keep(rows, 7, ["author"])


def test_lengths_are_characters_and_counted_before_and_after(rows):
    pairs = pa.table({"chosen": ["ää", "abc", ""], "rejected": ["aaa", "xyz", "\N{GRINNING FACE}"]})
    assert balance.differences(pairs).tolist() == [-1, 0, -1]
    found = pl.from_arrow(balance.lengths(rows, balance.keep(rows, 7), "code")).to_dicts()
    assert {row["set"] for row in found} == {"code"}
    cells = {(row["moment"], row["source"], row["aspect"], row["language"]): row for row in found}
    assert [cells["before", "a", "x", "C"][name] for name in ("longer", "equal", "shorter")] == [40, 5, 25]
    assert [cells["after", "a", "x", "C"][name] for name in ("longer", "equal", "shorter")] == [25, 5, 25]
    assert ("before", "b", "x", "C") in cells
    assert ("after", "b", "x", "C") not in cells
    assert found == pl.from_arrow(balance.lengths(rows.reverse(), balance.keep(rows.reverse(), 7), "code")).to_dicts()
