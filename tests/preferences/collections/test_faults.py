"""Faults: each program against its own faulty version, of commits and of a collection."""

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.preferences.collections.faults import collect_faults
from themis.records import SCHEMAS, Ledger, read, write


def faults(rows):
    filled = [dict.fromkeys(SCHEMAS["bugs"].names) | {"writer": "w"} | row for row in rows]
    return pa.Table.from_pylist(filled, SCHEMAS["bugs"])


@pytest.fixture
def paths(tables, tmp_path):
    rows = [
        {"id": f"r{at}", "new_contents": f"right {at}", "language": "Go", "repositories": [f"a/{at}"]}
        for at in range(6)
    ]
    rows.append({"id": "held", "split": "benchmark", "new_contents": "held"})
    asked = {f"r{at}": f"Write {at}" for at in range(5)}
    broken = [{"id": f"r{at}", "code": f"wrong {at}"} for at in (0, 1, 4, 5)]
    broken += [{"id": "r2", "missing_reason": "nothing to mutate"}, {"id": "stranger", "code": "x"}]
    found = {name: tmp_path / f"{name}.parquet" for name in ("accepted", "instructions", "faults", "out", "solutions")}
    write(tables.accepted(rows), found["accepted"], "labelled")
    write(tables.instructions(asked), found["instructions"], "instructions")
    write(faults(broken[::-1]), found["faults"], "bugs")
    return found


def run(paths, programs="accepted", instructions="instructions", name="mutants"):
    ledger = Ledger("collect")
    given = paths[instructions] if instructions else None
    collect_faults(paths[programs], paths["faults"], paths["out"], name, instructions=given, seed=7, ledger=ledger)
    return read(paths["out"], "collection").to_pylist(), ledger.table().to_pylist()


def test_commits_with_their_faults(paths):
    rows, ledger = run(paths)
    assert [(row["idx"], row["input"], row["chosen"], row["rejected"]) for row in rows] == [
        (f"r{at}", f"Write {at}", f"right {at}", f"wrong {at}") for at in (0, 1, 4)
    ]
    assert {(row["language"], row["aspect"], row["source"]) for row in rows} == {
        ("Go", "functional_correctness", "mutants")
    }
    assert rows[0]["repositories"] == ["a/0"]
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == {
        "no instruction": 1, "no fault: none was asked for": 1, "no fault: nothing to mutate": 1,
    }  # fmt: skip
    assert {(row["scope"], row["rows_in"], row["rows_kept"]) for row in ledger} == {("mutants", 6, 3)}


def test_solutions_with_their_faults(paths):
    solutions = [
        {
            "idx": f"r{at}",
            "input": f"p{at}",
            "chosen": f"c{at}",
            "rejected": "",
            "language": "C",
            "aspect": "x",
            "source": "s",
        }
        for at in range(2)
    ]
    write(pa.Table.from_pylist(solutions, SCHEMAS["collection"]), paths["solutions"], "collection")
    rows, _ = run(paths, "solutions", None, "bugged_oss_instruct")
    assert [(row["input"], row["chosen"], row["rejected"], row["source"]) for row in rows] == [
        ("p0", "c0", "wrong 0", "bugged_oss_instruct"), ("p1", "c1", "wrong 1", "bugged_oss_instruct"),
    ]  # fmt: skip


def test_mistakes_are_named(paths):
    with pytest.raises(Problem, match="give --instructions"):
        run(paths, instructions=None)
    write(faults([{"id": "r0", "code": "x"}, {"id": "r0", "code": "y"}]), paths["faults"], "bugs")
    with pytest.raises(Problem, match="two faults"):
        run(paths)
