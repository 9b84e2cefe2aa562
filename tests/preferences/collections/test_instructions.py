"""Instructions: each is answered by its own file, and by the file of another commit in the same language."""

from collections import Counter

import pytest

from themis.errors import Problem
from themis.preferences.collections.instructions import collect_instructions
from themis.records import Ledger, read, write


def commits():
    rows = [
        {
            "id": f"{language}{at}", "language": language, "path": f"{language}{at // 2}",
            "new_contents": f"{language}_{at}", "repositories": [f"of/{language}{at}"],
        }
        for language in ("Python", "Ruby")
        for at in range(20)
    ]  # fmt: skip
    rows.append({"id": "alone", "language": "Go", "new_contents": "go"})
    rows += [{"id": f"twin{at}", "language": "C", "path": "one", "new_contents": f"c {at}"} for at in range(2)]
    return [*rows, {"id": "held", "split": "benchmark", "repository": "held/out", "new_contents": "held"}]


@pytest.fixture
def collect(tables, tmp_path):
    def run(rows, seed=7, asked=None):
        requests = asked or {row["id"]: f"Please write {row['id']}" for row in rows if row["id"] != "Ruby5"}
        write(tables.accepted(rows), tmp_path / "accepted.parquet", "labelled")
        write(tables.instructions(requests), tmp_path / "instructions.parquet", "instructions")
        ledger, out = Ledger("collect"), tmp_path / "out.parquet"
        collect_instructions(
            tmp_path / "accepted.parquet", tmp_path / "instructions.parquet", out, seed=seed, ledger=ledger
        )
        return read(out, "collection").to_pylist(), ledger.table().to_pylist()

    return run


def test_the_other_file_is_of_the_language_and_of_another_path(collect):
    rows, ledger = collect(commits())
    assert len(rows) == 39
    for row in rows:
        (right, at), (wrong, other) = (text.split("_") for text in (row["chosen"], row["rejected"]))
        assert row["input"] == f"Please write {right}{at}"
        assert right == wrong == row["language"]
        assert int(at) // 2 != int(other) // 2  # not another version of the same path
        assert row["repositories"] == sorted({f"of/{right}{at}", f"of/{right}{other}"})
        assert (row["aspect"], row["source"]) == ("helpfulness", "instructions")
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == {
        "no instruction": 1, "no other row of the language": 3,
    }  # fmt: skip
    assert {(row["scope"], row["rows_in"], row["rows_kept"]) for row in ledger} == {("instructions", 43, 39)}


def test_files_are_rejected_about_equally_often(collect):
    rejected = Counter(row["rejected"] for row in collect(commits())[0])
    assert len(rejected) > 30
    assert max(rejected.values()) <= 3


def test_seed_decides_and_order_does_not(collect):
    assert collect(commits()) == collect(commits()[::-1])
    assert collect(commits())[0] != collect(commits(), seed=8)[0]


def test_a_commit_with_two_instructions_is_named(collect, tables, tmp_path):
    import pyarrow as pa

    collect(commits())
    double = tables.instructions({"Python1": "a"})
    write(pa.concat_tables([double, double]), tmp_path / "instructions.parquet", "instructions")
    with pytest.raises(Problem, match="Python1 has more than one"):
        collect_instructions(
            tmp_path / "accepted.parquet", tmp_path / "instructions.parquet", tmp_path / "o.parquet",
            seed=1, ledger=Ledger("collect"),
        )  # fmt: skip
