"""Folders of runs scored elsewhere, what importing them gives, and what it should."""

from __future__ import annotations

import csv
import json
import math
import random

import pyarrow as pa
import pyarrow.parquet as pq

from themis.records import SCHEMAS, read, write
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


ROWS = pairs(9)
