"""The study's commits as a collection: every accepted training commit is kept or dropped for the first reason that holds."""

import polars as pl
import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.preferences.collections.commits import collect_commits
from themis.records import SCHEMAS, Ledger, read, write

FATES = {
    "kept_1": {},
    "kept_2": {"aspect": "memory_efficiency", "repositories": ["a/fork", "b/other"]},
    "no criterion": {"aspect": None},
    "no instruction": {"asked": None},
    "no instruction: blank": {"asked": " \n "},
    "judged worse": {"decision": "rejected"},
    "not confirmed: tie": {"decision": "tie"},
    "not confirmed: undecided": {"decision": None},
    "not confirmed: absent": {"decision": "absent"},
    "not confirmed: another criterion": {"criterion": "security_hardness"},
    "benchmark": {"split": "benchmark"},
}


@pytest.fixture
def collect(tables, tmp_path):
    def run(require="confirmed", flip=False, fates=FATES):
        rows, requests, decisions = [], {}, []
        for name, fate in fates.items():
            fields = dict(fate)
            asked, decision = fields.pop("asked", f" Write {name} "), fields.pop("decision", "chosen")
            aspect = fields.get("aspect", "functional_correctness") or "functional_correctness"
            criterion = fields.pop("criterion", aspect)
            rows.append({"id": name, "new_contents": f"new {name}", "old_contents": f"old {name}", **fields})
            requests[name] = asked
            if decision != "absent":
                count = dict.fromkeys((f"votes_{side}" for side in ("chosen", "rejected", "tie", "missing")), 0)
                decisions.append({"id": name, "criterion": criterion, **count, "decision": decision})
        step = -1 if flip else 1
        paths = [tmp_path / f"{name}.parquet" for name in ("accepted", "instructions", "decisions")]
        write(tables.accepted(rows[::step]), paths[0], "labelled")
        write(tables.instructions(requests), paths[1], "instructions")
        write(pa.Table.from_pylist(decisions[::step], SCHEMAS["decisions"]), paths[2], "decisions")
        ledger, out = Ledger("collect"), tmp_path / "out.parquet"
        count = collect_commits(*paths, out, require=require, seed=7, ledger=ledger)
        found = read(out, "collection").to_pylist()
        assert count == len(found)
        return found, ledger.table().to_pylist()

    return run


def test_every_training_commit_meets_its_fate(collect):
    rows, ledger = collect()
    assert [row["idx"] for row in rows] == ["kept_1", "kept_2"]
    expected = pl.Series([name.partition(":")[0] for name in FATES if name[:4] != "kept" and name != "benchmark"])
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == dict(expected.value_counts().iter_rows())
    assert {(row["stage"], row["scope"], row["rows_in"], row["rows_kept"]) for row in ledger} == {
        ("collect", "commits", len(FATES) - 1, 2)
    }


def test_a_kept_row_says_what_the_commit_said(collect):
    assert collect()[0][1] == {
        "idx": "kept_2", "input": "Write kept_2", "chosen": "new kept_2", "rejected": "old kept_2", "language": "Python",
        "aspect": "memory_efficiency", "source": "commits", "repositories": ["a/fork", "b/other"],
    }  # fmt: skip


def test_pairs_that_are_not_contradicted_can_do(collect):
    rows, ledger = collect(require="not_contradicted")
    assert {row["idx"] for row in rows} == {name for name in FATES if name.startswith(("kept", "not confirmed"))}
    assert {row["reason"]: row["rows_dropped"] for row in ledger}["judged worse"] == 1


def test_the_order_of_the_input_does_not_matter(collect):
    assert collect() == collect(flip=True)


def test_no_commit_at_all_is_an_empty_collection(collect):
    rows, ledger = collect(fates={"benchmark": {"split": "benchmark"}})
    assert rows == []
    assert (ledger[0]["scope"], ledger[0]["rows_in"]) == ("commits", 0)


def test_a_requirement_that_is_none_is_named(collect):
    with pytest.raises(Problem, match="confirmed, not_contradicted"):
        collect(require="maybe")
