"""A faulty run is named and left out, the sound ones beside it keep every row."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.score.run_folders import (
    COLUMNS,
    ROWS,
    SOUND,
    as_benchmark,
    assert_sound,
    changed,
    pairs,
    put,
    run_import,
    without,
)
from themis.errors import Problem

SHUFFLED = random.Random(1).sample(ROWS, len(ROWS))
FAULTS = {
    **{f"lacks {name}": ("missing column", 0, without(ROWS, name), "parquet") for name in COLUMNS},
    "lacks a column in CSV": ("missing column", 0, without(ROWS, "subset"), "csv"),
    "other benchmark": ("unknown ids", 12, [row | {"id": f"OTHER_{row['id']}"} for row in ROWS], "parquet"),
    "one strange id": ("unknown ids", 1, [*SHUFFLED, ROWS[0] | {"id": "EXTRA"}], "csv"),
    "an id twice": ("duplicate ids", 1, [*SHUFFLED, ROWS[3]], "parquet"),
    "text in a CSV score": ("mixed types", 2, [*changed(ROWS[:10], 3, chosen_score="4/5"),
                            *(row | {"chosen_score": "good"} for row in ROWS[10:11]), ROWS[11]], "csv"),
    "text in a Parquet score": ("mixed types", 1, [row | {"rejected_score": "bad" if place == 4 else "0.5"}
                                for place, row in enumerate(ROWS)], "parquet"),
    "truth values as scores": ("mixed types", 12, [row | {"chosen_score": True} for row in ROWS], "parquet"),
    "lists as scores": ("mixed types", 12, [row | {"chosen_score": [1.0]} for row in ROWS], "parquet"),
    "lists as labels": ("mixed types", 12, [row | {"subset": ["A"]} for row in ROWS], "parquet"),
    "bytes as ids": ("mixed types", 12, [row | {"id": b"\xff\xfe"} for row in ROWS], "parquet"),
    "no rows in Parquet": ("empty file", 0, [], "parquet"),
    "no rows in CSV": ("empty file", 0, [], "csv"),
    "another aspect": ("other aspect", 1, changed(SHUFFLED, 7, aspect="Memory_Efficiency"), "parquet"),
    "another language": ("other language", 12, [row | {"language": "C"} for row in ROWS], "csv"),
    "another subset": ("other subset", 1, changed(ROWS, 0, subset="ELSEWHERE"), "parquet"),
    "unknown aspect": ("unknown aspect", 1, changed(ROWS, 5, aspect="Beauty"), "parquet"),
    "unknown language": ("unknown language", 1, changed(ROWS, 5, language="Fortran"), "csv"),
    "an id is null": ("missing value", 1, changed(ROWS, 2, id=None), "parquet"),
    "an id is empty": ("missing value", 1, changed(ROWS, 2, id=""), "parquet"),
    "an id is empty in CSV": ("missing value", 1, changed(ROWS, 2, id=""), "csv"),
    "an aspect is null": ("missing value", 1, changed(ROWS, 2, aspect=None), "parquet"),
}  # fmt: skip
DAMAGED = {
    "no bytes": ("empty file", "scores.parquet", b""),
    "no bytes of CSV": ("empty file", "scores.csv", b""),
    "no Parquet at all": ("unreadable", "scores.parquet", b"id,chosen_score\n" * 9),
    "Parquet in name only": ("unreadable", "scores.parquet", b"PAR1" + bytes(64) + b"PAR1"),
    "CSV of another encoding": ("unreadable", "scores.csv", b"id,chosen_score\n\xff\xfe,1\n"),
    "a folder without scores": ("no scores", "results.json", b"{}"),
}


@pytest.mark.parametrize("name", [*FAULTS, *DAMAGED])
def test_a_faulty_run_is_named_and_the_others_keep_all_their_rows(source, name):
    if name in FAULTS:
        check, rows, content, form = FAULTS[name]
        put(source / "faulty", content, form)
    else:
        check, file, content = DAMAGED[name]
        rows = 0
        (source / "faulty").mkdir()
        (source / "faulty" / file).write_bytes(content)
    tables, findings, ledger = run_import(source)
    assert [(row["run"], row["severity"], row["check"], row["rows"]) for row in findings] == [
        ("faulty", "refused", check, rows)
    ]
    assert len(findings[0]["detail"].splitlines()) == 1
    assert sorted(tables) == list(SOUND)
    assert_sound(tables, ledger)
    assert [row for row in ledger if row["scope"] == "faulty"] == [
        {"stage": "import", "scope": "faulty", "rows_in": 12, "rows_kept": 0, "reason": f"run refused: {check}",
         "rows_dropped": 12}
    ]  # fmt: skip


def test_no_damage_to_a_file_stops_the_import_of_the_others(source, tmp_path):
    whole = (source / "alpha/scores.parquet").read_bytes()
    draw = random.Random(4)
    for place in range(150):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        folder = source / f"damaged{place:03d}"
        folder.mkdir()
        (folder / "scores.parquet").write_bytes(damaged[: draw.choice([len(whole), len(whole), len(whole) // 2])])
    benchmark = as_benchmark(tmp_path, pairs())
    tables, findings, ledger = run_import(source, benchmark=benchmark)
    assert_sound(tables, ledger)
    refused = {row["run"] for row in findings if row["severity"] == "refused"}
    assert refused | set(tables) == {folder.name for folder in source.iterdir()} and not refused & set(tables)
    assert len(refused) > 100


def test_without_a_sound_run_there_is_one_line_and_no_table(tmp_path):
    source = tmp_path / "runs"
    put(source / "one", without(ROWS, "aspect"))
    put(source / "two", [*ROWS, ROWS[0] | {"chosen_score": 1.0}], printed="no JSON")
    (source / "three\nlines").mkdir()
    with pytest.raises(Problem) as caught:
        run_import(source)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "lacks aspect" in said and "repeat an id, such as PAIR_00" in said and "holds neither" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


def test_a_folder_that_is_none_or_holds_none_is_one_line(tmp_path):
    (tmp_path / "empty/.hidden").mkdir(parents=True)
    (tmp_path / "empty/README.md").write_text("no run here")
    for name, says in (("nowhere", "no such folder"), ("empty", "holds no run"), ("empty/README.md", "no such folder")):
        with pytest.raises(Problem, match=says):
            run_import(tmp_path / name)


def test_tables_of_other_runs_are_not_taken_for_these(source, tmp_path):
    run_import(source)
    for path in (source / "beta").iterdir():
        path.unlink()
    with pytest.raises(Problem, match=r"beta\.parquet"):
        run_import(source)
    assert (tmp_path / "out of runs/beta.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere", "out"), "nowhere: no such folder"),
        (("runs", "out"), "no run can be used (bad: scores.csv lacks id"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(tmp_path, arguments, says):
    put(tmp_path / "runs/bad", without(ROWS, "id"), "csv")
    options = ("--findings", "f.parquet", "--ledger", "l.parquet", "--name", "crb")
    done = subprocess.run(
        [sys.executable, "-c", "from themis.cli import main; main()", "import-runs", *arguments, *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("import: ")]
    assert len(lines) == 1 and lines[0].startswith("themis: ") and says in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
