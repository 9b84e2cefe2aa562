"""Ids and splits are those of the table, however many batches it is read in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dedup.tables import write_retrieved
from themis.dedup.rows import read_rows
from themis.errors import Problem

IDS = [f"{'é' * (i % 3)}{i:06d}" for i in range(9000)]  # more than two batches


def table(ids: list[str], folder: Path) -> Path:
    rows = [(name, ("train", "benchmark")[i % 7 == 0], "C", "a", "b") for i, name in enumerate(ids)]
    return write_retrieved(rows, folder / "retrieved.parquet")


def test_ids_are_mapped_in_their_order(tmp_path: Path) -> None:
    ids = sorted(IDS)
    rows = read_rows(table(ids, tmp_path), tmp_path)
    assert rows.ids.to_pylist() == ids
    assert rows.benchmark.tolist() == [i % 7 == 0 for i in range(9000)]


def test_order_is_looked_at_across_batches(tmp_path: Path) -> None:
    ids = sorted(IDS)
    with pytest.raises(Problem, match="not in the order of their ids"):
        read_rows(table([*ids[4096:], *ids[:4096]], tmp_path), tmp_path)
    for cut in (4096, 8192):
        with pytest.raises(Problem, match="not in the order of their ids"):
            read_rows(table([*ids[1:cut], ids[0], *ids[cut:]], tmp_path), tmp_path)
        with pytest.raises(Problem, match="not in the order of their ids"):
            read_rows(table([*ids[:cut], ids[0], *ids[cut + 1 :]], tmp_path), tmp_path)
