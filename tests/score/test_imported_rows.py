"""Every sound run has one row per pair, with the outcome its two numbers give."""

from __future__ import annotations

import json
import math
import random
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.score.run_folders import (
    ROWS,
    SOUND,
    as_benchmark,
    assert_sound,
    changed,
    expected,
    of,
    pairs,
    plain,
    put,
    run_import,
)
from themis.errors import Problem
from themis.records import metadata
from themis.vocabulary import ABSENT


def test_sound_runs_have_a_row_per_pair_and_the_outcome_of_a_plain_comparison(source):
    tables, findings, ledger = run_import(source)
    assert sorted(tables) == list(SOUND) and findings == []
    assert_sound(tables, ledger)
    outcomes = Counter(row["outcome"] for table in tables.values() for row in table)
    assert min(outcomes[kind] for kind in ("win", "tie", "loss")) > 2  # the comparison above saw all three


def test_most_runs_decide_which_pairs_there_are_unless_a_benchmark_does(tmp_path):
    source, few, all_ids = tmp_path / "runs", pairs()[:9], [row["id"] for row in pairs()]
    for seed, name in enumerate(("a", "b", "c")):
        put(source / name, pairs(seed)[:9])
    put(source / "whole", pairs(7))
    put(source / "fewer", pairs(8)[2:9])

    tables, findings, _ = run_import(source)
    assert {name: len(table) for name, table in tables.items()} == {"a": 9, "b": 9, "c": 9, "fewer": 9}
    assert of(findings, "whole") == [("refused", "unknown ids", 3)]
    assert plain(tables["fewer"]) == expected(pairs(8)[2:9], all_ids[:9])

    for path in (tmp_path / "out of runs").iterdir():
        path.unlink()
    tables, findings, ledger = run_import(source, benchmark=as_benchmark(tmp_path, pairs()[::-1]))
    assert {name: len(table) for name, table in tables.items()} == dict.fromkeys(("a", "b", "c", "fewer", "whole"), 12)
    assert plain(tables["whole"]) == expected(pairs(7))
    assert plain(tables["b"]) == expected(pairs(1)[:9])
    assert of(findings, "whole") == [] and of(findings, "fewer") == [("note", "missing rows", 5)]
    kept = {row["scope"]: (row["rows_in"], row["rows_kept"], row["reason"]) for row in ledger}
    assert kept["whole"] == (12, 12, None) and kept["fewer"] == (12, 7, ABSENT)
    assert "crb.parquet" in json.loads(metadata(tmp_path / "out of runs/a.parquet")["inputs"])

    with pytest.raises(Problem, match="PAIR_04 comes twice"):
        run_import(source, benchmark=as_benchmark(tmp_path, [*few, few[4]], "twice"))


def test_the_larger_of_two_sets_of_pairs_and_the_commonest_labels_decide(tmp_path):
    put(tmp_path / "runs/aaa", pairs(1)[:11])
    put(tmp_path / "runs/bbb", pairs(2))
    tables, _, _ = run_import(tmp_path / "runs")
    assert plain(tables["aaa"]) == expected(pairs(1)[:11]) and plain(tables["bbb"]) == expected(pairs(2))

    put(tmp_path / "more/aaa", changed(pairs(1), 6, subset="RENAMED"))
    for seed, name in ((2, "bbb"), (3, "ccc")):
        put(tmp_path / "more" / name, pairs(seed))
    tables, findings, _ = run_import(tmp_path / "more")
    assert sorted(tables) == ["bbb", "ccc"] and of(findings, "aaa") == [("refused", "other subset", 1)]
    assert "PAIR_06 is RENAMED, not SUBSET_1" in findings[0]["detail"]


def test_a_missing_score_keeps_its_row_and_its_reason_and_is_noted(source):
    rows = pairs(5)
    for place, values in {
        0: (math.nan, 1.0), 1: (1.0, None), 2: (None, None), 3: (math.inf, 0.0), 4: (1.0, -math.inf),
        5: (math.inf, math.nan), 8: (0.0, 0.0),
    }.items():  # fmt: skip
        rows = changed(rows, place, chosen_score=values[0], rejected_score=values[1])
    rows = [row for row in rows[::-1] if row["id"] not in ("PAIR_06", "PAIR_10")]
    for form in ("parquet", "csv"):
        put(source / form, rows, form)
    tables, findings, ledger = run_import(source)
    assert_sound(tables, ledger)
    for form in ("parquet", "csv"):
        assert plain(tables[form]) == expected(rows)
        assert of(findings, form) == [
            ("note", "missing rows", 2),
            ("note", "score is not a number", 2),
            ("note", "score is infinite", 2),
            ("note", "score is not a number", 3),
            ("note", "score is infinite", 1),
        ]
        said = [row["detail"] for row in findings if row["run"] == form]
        assert said[:2] == ["the run lacks PAIR_06, PAIR_10", "chosen_score: 2 of 10"]
        counts = {row["reason"]: (row["rows_in"], row["rows_kept"], row["rows_dropped"])
                  for row in ledger if row["scope"] == form}  # fmt: skip
        assert counts == {"not in the run": (12, 4, 2), "score is not a number": (12, 4, 4),
                          "score is infinite": (12, 4, 2)}  # fmt: skip


def test_scores_outside_a_models_rubric_are_counted_and_stay_scores(tmp_path):
    # The rubric of R3 goes from 1 to 5 (models.yaml); a name the registry does not know has none.
    graded = [row | {"chosen_score": 1.0, "rejected_score": 5.0} for row in pairs()]
    graded = changed(graded, 1, chosen_score=0.0, rejected_score=2001.0)
    graded = changed(graded, 2, chosen_score=5.0000001, rejected_score=math.nan)
    graded = changed(graded, 3, chosen_score=math.inf)
    for name in ("R3-Qwen3-4B-14k", "unheard-of"):
        put(tmp_path / "runs" / name, graded)
    tables, findings, _ = run_import(tmp_path / "runs")
    assert plain(tables["R3-Qwen3-4B-14k"]) == plain(tables["unheard-of"]) == expected(graded)
    lacking = [("note", "score is infinite", 1), ("note", "score is not a number", 1)]
    assert of(findings, "R3-Qwen3-4B-14k") == [*lacking, ("note", "out of range", 3)]
    assert findings[2]["detail"] == "3 scores are outside 1 to 5: 0 to 2,001"
    assert of(findings, "unheard-of") == lacking


def test_order_of_rows_and_folders_and_the_form_of_the_files_do_not_matter(tmp_path):
    runs = {name: pairs(seed) for seed, name in enumerate(("alpha", "be[t]a", "R3-Qwen3-8B-14k"))}
    runs["be[t]a"] = [row for row in runs["be[t]a"] if row["id"] != "PAIR_03"]
    runs = {name: [row | {"correct": row["chosen_score"] > row["rejected_score"]} for row in rows]
            for name, rows in runs.items()}  # fmt: skip
    runs["alpha"] = changed(runs["alpha"], 5, correct=not runs["alpha"][5]["correct"])
    runs["text"] = [row | {"chosen_score": f"n{row['id']}"} for row in ROWS]
    runs["relabelled"] = [row | {"subset": "NONE"} for row in ROWS]
    runs["strangers"] = [row | {"id": f"{row['id']}?"} for row in ROWS]
    printed = {"overall": {"accuracy": 2.0}}
    for name, rows in runs.items():
        put(tmp_path / "first" / name, rows, printed=printed)
    for name, rows in reversed(runs.items()):
        put(tmp_path / "again" / name, rows, printed=printed)
        put(tmp_path / "shuffled" / name, random.Random(3).sample(rows, len(rows)), printed=printed)
        put(tmp_path / "csv" / name, random.Random(2).sample(rows, len(rows)), "csv", printed=printed)

    def made(name):
        tables, findings, ledger = run_import(tmp_path / name)
        return tables, findings, ledger

    def files(name):
        return sorted(path for path in tmp_path.rglob(f"out of {name}*") if path.is_file()) + sorted(
            (tmp_path / f"out of {name}").iterdir()
        )

    def bare(path):
        sink = pa.BufferOutputStream()
        pq.write_table(pq.read_table(path).replace_schema_metadata(None), sink)
        return sink.getvalue().to_pybytes()

    first = made("first")
    assert set(first[0]) == {"alpha", "be[t]a", "R3-Qwen3-8B-14k"}
    assert {row["check"] for row in first[1]} == {
        "missing rows", "out of range", "column correct", "results.json", "mixed types", "other subset", "unknown ids",
    }  # fmt: skip
    for name in ("again", "shuffled", "csv"):
        assert made(name) == first, name
    for one, same, shuffled, _ in zip(*map(files, ("first", "again", "shuffled", "csv")), strict=True):
        assert one.read_bytes() == same.read_bytes()
        assert bare(one) == bare(shuffled)
