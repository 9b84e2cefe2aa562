"""What the paper publishes loads by name: preference sets with labels as numbers or names, the benchmark, commits."""

import hashlib
import json
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.vocabulary import LANGUAGES

ASPECTS = [
    "Readability and Maintainability", "Runtime Efficiency", "Security Hardness", "Functional Correctness",
    "Memory Efficiency", "Helpfulness", "Harmlessness",
]  # fmt: skip
SPELT = ["JavaScript", "Python", "Ruby", "C++", "C", "Go", "Java", "C#", "NL"]
OURS = [
    "readability_maintainability", "runtime_efficiency", "security_hardness", "functional_correctness",
    "memory_efficiency", "helpfulness", "harmlessness",
]  # fmt: skip


def preference(at, **fields):
    row = {
        "system": "s",
        "input": f"q{at}",
        "chosen": f"a{at}",
        "rejected": f"b{at}",
        "source": "commit",
        "idx": f"id{at}",
    }
    return {**row, "language": at % 9, "aspect": at % 7, **fields}


def write(path, rows, named, order=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    label = {
        "language": {"names": SPELT[::order], "_type": "ClassLabel"},
        "aspect": {"names": ASPECTS[::order], "_type": "ClassLabel"},
    }
    noted = {"huggingface": json.dumps({"info": {"features": label}})} if named else {}
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(noted), path)


@pytest.mark.parametrize("name", ["themis_code", "themis_general"])
@pytest.mark.parametrize("named", [True, False])
def test_preference_sets(collect, tmp_path, name, named):
    write(tmp_path / "set/data/train-00000-of-00001.parquet", [preference(at) for at in range(63)], named)
    found = collect(name, tmp_path / "set")
    assert len(found.rows) == 63
    for row in found.rows:
        at = int(row["idx"].removeprefix("id"))
        assert (row["language"], row["aspect"]) == (SPELT[at % 9], OURS[at % 7])
        assert (row["input"], row["chosen"], row["rejected"], row["source"]) == (f"q{at}", f"a{at}", f"b{at}", "commit")


def test_the_names_a_file_gives_its_labels_count(collect, tmp_path):
    write(tmp_path / "set/data/train-0.parquet", [preference(at) for at in range(63)], named=True, order=-1)
    for row in collect("themis_code", tmp_path / "set").rows:
        at = int(row["idx"].removeprefix("id"))
        assert (row["language"], row["aspect"]) == (SPELT[::-1][at % 9], OURS[::-1][at % 7])


def test_labels_that_are_none_of_ours_are_dropped(collect):
    rows = [
        preference(0),
        preference(1, language=9),
        preference(2, aspect="Beauty"),
        preference(3, aspect="Helpfulness"),
    ]
    found = collect("themis_code", rows)
    assert [(row["idx"], row["aspect"]) for row in found.rows] == [("id0", OURS[0]), ("id3", "helpfulness")]
    assert found.dropped == {"language is none of the eight": 1, "no criterion": 1}


def test_the_benchmark_is_read_from_the_configuration_that_holds_every_pair_once(collect, tmp_path):
    labels = {"Functional_Correctness": OURS[3], "Memory_Efficiency": OURS[4], "Readability_Maintainability": OURS[0]}
    rows = [
        {
            "id": f"RUNBUGRUN_{at}", "prompt": "p", "chosen": "a", "rejected": f"b{at}", "subset": "RUNBUGRUN",
            "language": ("Cpp", "CSharp", "Python")[at % 3], "aspect": list(labels)[at % 3],
        }
        for at in range(12)
    ]  # fmt: skip
    write(tmp_path / "bench/Full/Full-00000-of-00001.parquet", rows[::-1], named=False)
    write(tmp_path / "bench/Stratified_Language/CSharp-00000-of-00001.parquet", rows[:3], named=False)
    found = collect("themis_benchmark", tmp_path / "bench")
    assert [row["id"] for row in found.rows] == sorted(row["id"] for row in rows)
    by_id = {row["id"]: row for row in found.rows}
    for at, row in enumerate(rows):
        assert by_id[row["id"]]["language"] == ("C++", "C#", "Python")[at % 3]
        assert by_id[row["id"]]["aspect"] == list(labels.values())[at % 3]
    assert found.metrics == {"rows": 12, "expected_rows": 8866, "pairs": 12, "paper_pairs": None}


@pytest.mark.parametrize("name", ["themis_commits", "themis_merged_commits"])
def test_commits_become_rows_as_if_mined_here(collect, name, tmp_path):
    row = {
        "commit": "c0ffee", "subject": "Fix", "message": "Fix it", "repos": "b/two,a/one", "license": "mit",
        "old_file": "src/x.py", "new_file": "src/x.py", "unix_time": 1500000000,
        "old_contents": "é\n", "new_contents": "x = 2\n", "returncode": 0, "stderr": "",
    }  # fmt: skip
    rows = [
        row, {**row, "commit": "1", "new_file": "x.rs"}, {**row, "commit": "2", "old_contents": ""},
        {**row, "commit": "3", "repos": ""}, {**row, "commit": "4", "unix_time": None}, row,
    ]  # fmt: skip
    found = collect(name, rows, split="benchmark")
    (kept,) = found.rows
    assert kept["id"] == hashlib.sha256(b"c0ffee\0src/x.py").hexdigest()[:32]
    assert (kept["repository"], kept["repositories"]) == ("a/one", ["a/one", "b/two"])
    assert (kept["language"], kept["split"], kept["committed_at"]) == ("Python", "benchmark", 1500000000)
    (tmp_path / "x").write_text("é\n", encoding="utf-8")
    asked = subprocess.run(["git", "hash-object", tmp_path / "x"], capture_output=True, text=True, check=True)
    assert kept["old_blob"] == asked.stdout.strip()
    assert found.dropped == {
        "language is none of the eight": 1, "contents are missing": 1, "commit or repository is missing": 1,
        "no time": 1, "repetition": 1,
    }  # fmt: skip


def test_every_language_of_the_published_sets_is_ours():
    assert set(SPELT) - {"NL"} == set(LANGUAGES)
