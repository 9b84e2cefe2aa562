"""A faulty run is named and left out; every sound run has one row per pair, with the outcome its two numbers give."""

from __future__ import annotations

import csv
import json
import math
import random
import subprocess
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.errors import Problem
from themis.records import SCHEMAS, metadata, read, write
from themis.score.imported import import_runs
from themis.vocabulary import ABSENT

# What the published runs spell in their own way -> the kit's spelling.
ASPECTS = {
    "Functional_Correctness": "functional_correctness",
    "Runtime_Efficiency": "runtime_efficiency",
    "Security_Hardness": "security_hardness",
}
LANGUAGES = {"Cpp": "C++", "CSharp": "C#", "Go": "Go", "Python": "Python"}
COLUMNS = ("id", "chosen_score", "rejected_score", "aspect", "language", "subset")
SOUND = ("alpha", "beta", "gamma")


def pairs(seed=0, n=12):
    """The rows of a run: wins, ties and losses, labels as published; the labels do not depend on the seed."""
    draw = random.Random(seed)
    return [
        {
            "id": f"PAIR_{place:02d}",
            "chosen_score": draw.choice([-1.5, 0.0, 1 / 3, 2.0]),
            "rejected_score": draw.choice([-1.5, 0.0, 1 / 3, 2.0]),
            "aspect": list(ASPECTS)[place % 3],
            "language": list(LANGUAGES)[place % 4],
            "subset": f"SUBSET_{place % 5}",
        }
        for place in range(n)
    ]


def put(folder, rows, form="parquet", printed=None, columns=COLUMNS):
    """Write a run's files without the library that reads them."""
    folder.mkdir(parents=True)
    columns = list(rows[0]) if rows else list(columns)
    if form == "parquet":
        pq.write_table(pa.table({name: [row[name] for row in rows] for name in columns}), folder / "scores.parquet")
    else:
        with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as stream:
            lines = csv.DictWriter(stream, columns)
            lines.writeheader()
            lines.writerows(rows)
    if printed is not None:
        (folder / "results.json").write_text(printed if isinstance(printed, str) else json.dumps(printed))


def changed(rows, place, **values):
    return [row | values if here == place else row for here, row in enumerate(rows)]


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


@pytest.fixture
def source(tmp_path):
    """Three sound runs in three files of two forms."""
    for seed, (name, form) in enumerate(zip(SOUND, ("parquet", "csv", "parquet"), strict=True)):
        put(tmp_path / "runs" / name, pairs(seed), form)
    return tmp_path / "runs"


def run_import(source, **options):
    """Tables by model, findings and ledger of an import, as rows."""
    out = source.parent / f"out of {source.name}"
    files = [out.parent / f"{out.name}.{name}" for name in ("findings", "ledger")]
    models = import_runs(source, out, *files, name="crb", **options)
    tables = {path.stem: read(path, "scores").to_pylist() for path in out.iterdir()}
    assert set(tables) == set(models)
    findings, ledger = (read(path, path.suffix[1:].replace("ledger", "attrition")).to_pylist() for path in files)
    for row in ledger:
        dropped = sum(other["rows_dropped"] for other in ledger if other["scope"] == row["scope"])
        assert row["rows_in"] == row["rows_kept"] + dropped
    return tables, findings, ledger


def of(findings, run):
    """(severity, check, rows) of a run's findings."""
    return [(row["severity"], row["check"], row["rows"]) for row in findings if row["run"] == run]


def expected(rows, ids=None):
    """What plain Python says of a run: (id, chosen, rejected, outcome, reason, aspect, language, subset), by id."""
    by_id = {row["id"]: row for row in rows}
    labels = {row["id"]: row for row in pairs()}
    made = []
    for name in sorted(ids or labels):
        label = labels[name]
        label = (ASPECTS[label["aspect"]], LANGUAGES[label["language"]], label["subset"])
        scores = [by_id[name][side] for side in COLUMNS[1:3]] if name in by_id else None
        if scores is None:
            made.append((name, None, None, "missing", ABSENT, *label))
        elif any(score is None or math.isnan(score) for score in scores):
            made.append((name, None, None, "missing", "score is not a number", *label))
        elif any(math.isinf(score) for score in scores):
            made.append((name, None, None, "missing", "score is infinite", *label))
        else:
            outcome = "win" if scores[0] > scores[1] else "tie" if scores[0] == scores[1] else "loss"
            made.append((name, *scores, outcome, None, *label))
    return made


def plain(table):
    names = ("id", *COLUMNS[1:3], "outcome", "missing_reason", *COLUMNS[3:])
    return [tuple(row[name] for name in names) for row in table]


def assert_sound(tables, ledger, names=SOUND):
    for name in names:
        rows = pairs(SOUND.index(name))
        assert plain(tables[name]) == expected(rows)
        assert {(row["model"], row["benchmark"], row["prompt_mode"]) for row in tables[name]} == {
            (name, "crb", "imported")
        }
        assert [(row["rows_in"], row["rows_kept"]) for row in ledger if row["scope"] == name] == [(12, 12)]


def test_sound_runs_have_a_row_per_pair_and_the_outcome_of_a_plain_comparison(source):
    tables, findings, ledger = run_import(source)
    assert sorted(tables) == list(SOUND) and findings == []
    assert_sound(tables, ledger)
    outcomes = Counter(row["outcome"] for table in tables.values() for row in table)
    assert min(outcomes[kind] for kind in ("win", "tie", "loss")) > 2  # the comparison above saw all three


ROWS = pairs(9)
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


def as_benchmark(folder, rows, name="crb"):
    table = {
        "id": [row["id"] for row in rows],
        **{side: ["text"] * len(rows) for side in ("prompt", "chosen", "rejected")},
        "aspect": [ASPECTS[row["aspect"]] for row in rows],
        "language": [LANGUAGES[row["language"]] for row in rows],
        "subset": [row["subset"] for row in rows],
    }
    write(pa.table(table, schema=SCHEMAS["benchmark"]), folder / f"{name}.parquet", "benchmark")
    return folder / f"{name}.parquet"


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
