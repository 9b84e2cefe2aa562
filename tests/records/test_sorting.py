"""Rows sorted through files are sorted, whatever the ranges."""

import hashlib
import random
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from themis.records import sorting
from themis.records.sorting import even_bounds, sorted_by_ranges


@pytest.mark.parametrize("claimed", [1, 2, 5, 10**9])
def test_sorting_by_ranges_is_sorting(tmp_path: Path, claimed: int):
    """Whatever number of rows is announced, that is, into however many ranges they are put."""
    dice = random.Random(claimed)
    ids = [hashlib.sha256(str(dice.randrange(900)).encode()).hexdigest()[:32] for _ in range(1000)]
    tables = [pa.table({"id": ids[i : i + 70], "place": range(i, min(i + 70, 1000))}) for i in range(0, 1000, 70)]
    found = list(sorted_by_ranges(tables, ["id", "place"], even_bounds(claimed), tmp_path / "out.parquet"))
    rows = pa.concat_tables(found)
    assert rows.to_pylist() == [{"id": one, "place": i} for one, i in sorted((one, i) for i, one in enumerate(ids))]
    assert all(one["id"][-1].as_py() < other["id"][0].as_py() for one, other in pairwise(found))
    assert len(found) == claimed or claimed == 10**9
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("names", [1, 2, 40, 900])
def test_a_range_that_turns_out_too_large_is_split_where_its_keys_allow(tmp_path: Path, monkeypatch, names: int):
    monkeypatch.setattr(sorting, "_RANGE_BYTES", 4000)
    dice = random.Random(names)
    rows = [{"id": f"all alike {dice.randrange(names):04d}", "place": i} for i in range(1000)]
    tables = [pa.Table.from_pylist(rows[i : i + 70]) for i in range(0, 1000, 70)]
    found = list(sorted_by_ranges(tables, ["id", "place"], even_bounds(3), tmp_path / "out.parquet"))
    assert pa.concat_tables(found).to_pylist() == sorted(rows, key=lambda row: (row["id"], row["place"]))
    assert len(found) >= min(names, 4)
    assert max(table.num_rows for table in found) < 2000 / min(names, 4)
    assert all(one["id"][-1].as_py() < other["id"][0].as_py() for one, other in pairwise(found))
    assert not list(tmp_path.iterdir())
