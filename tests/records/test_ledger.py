"""Rows in = rows kept + rows dropped, each drop with a reason."""

import pyarrow as pa
import pytest

from themis import records
from themis.errors import Problem


def ledger(stage, scope, kept, **dropped):
    made = records.Ledger(stage)
    made.keep(scope, kept)
    for reason, count in dropped.items():
        made.drop(reason, scope, count)
    return made


def test_counts_add_up_per_scope():
    made = ledger("select", "train", 3, late=2, foreign=1)
    made.drop("late", "benchmark", 4)
    rows = {(row["scope"], row["reason"]): row for row in made.table().to_pylist()}
    assert rows["train", "late"]["rows_in"] == 6
    assert rows["train", "foreign"]["rows_kept"] == 3
    assert rows["benchmark", "late"] | {"rows_kept": 0} == rows["benchmark", "late"]


def test_a_stage_that_drops_nothing_still_has_a_row():
    assert ledger("mine", "all", 7).table().to_pylist() == [
        {"stage": "mine", "scope": "all", "rows_in": 7, "rows_kept": 7, "reason": None, "rows_dropped": 0}
    ]


def test_shards_of_a_stage_are_summed(tmp_path):
    ledger("retrieve", "train", 3, binary=1).write(tmp_path / "a.parquet")
    ledger("retrieve", "train", 5, empty=2).write(tmp_path / "b.parquet")
    joined = records.gather([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "all.parquet").to_pylist()
    assert {row["reason"]: row["rows_dropped"] for row in joined} == {"binary": 1, "empty": 2}
    assert {(row["rows_in"], row["rows_kept"]) for row in joined} == {(11, 8)}


def test_rows_without_a_reason_are_found(tmp_path):
    table = ledger("mine", "all", 3, short=2).table()
    broken = table.set_column(2, "rows_in", pa.array([6], pa.int64()))
    records.write(broken, tmp_path / "broken.parquet", "attrition")
    with pytest.raises(Problem, match="1 rows have no reason"):
        records.gather([tmp_path / "broken.parquet"], tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()
