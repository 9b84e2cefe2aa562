"""Every number a run prints about itself is what its scores give, and one that is not is named."""

from __future__ import annotations

import json
import math
import statistics

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.records import read
from themis.score.findings import Findings
from themis.score.imported import import_runs
from themis.score.recount import differences, recount
from themis.score.run_files import read_runs

# Numbers that a results.json of the published runs holds: six over all, two per aspect, language and subset; one run
# has two and three runs have five besides.
NUMBERS = 51 * (6 + 2 * (5 + 8 + 19)) + 2 + 3 * 5


@pytest.fixture(scope="module")
def published(root):
    """The published runs, read as the import reads them."""
    folder = root.parent / "shared/reference/published_runs"
    if not folder.is_dir():
        pytest.skip("the published runs (../shared/reference/published_runs) are not here")
    findings = Findings()
    runs = {run.name: run for run in read_runs(folder, findings)}
    assert len(runs) == 51 and findings.rows == [] and {run.fault for run in runs.values()} == {None}
    return runs


def leaves(value, path=()):
    """Dotted path -> number, by a walk of its own."""
    if isinstance(value, dict):
        return {key: number for name, part in value.items() for key, number in leaves(part, (*path, name)).items()}
    return {".".join(path): value}


def test_every_number_of_the_published_runs_is_reproduced(published):
    compared, wrong = 0, []
    for run in published.values():
        printed, own = leaves(json.loads(run.files[1].read_text(encoding="utf-8"))), recount(run.scores, run.printed)
        assert own.keys() == printed.keys()
        compared += len(printed)
        wrong += [(run.name, path) for path, number in printed.items() if own[path] != number]
        assert differences(run.scores, run.printed) == []
    assert wrong == []
    assert compared == NUMBERS > 51 * 70


@pytest.mark.parametrize("name", ["Themis-RM-8B", "CE-RM-4B", "R3-Qwen3-14B-14k"])
def test_accuracy_by_subset_is_what_pandas_gives(published, name):
    pandas = pytest.importorskip("pandas")
    run = published[name]
    frame = pandas.read_parquet(run.files[0])
    right = (frame["chosen_score"] > frame["rejected_score"]).groupby(frame["subset"]).mean()
    own = recount(run.scores, run.printed)
    assert len(right) == 19
    assert {subset: own[f"by_subset.{subset}.accuracy"] for subset in right.index} == right.round(4).to_dict()


def test_the_published_runs_import_with_a_row_per_pair_and_nothing_unexplained(published, tmp_path):
    source = next(iter(published.values())).files[0].parents[1]
    out = tmp_path / "out"
    models = import_runs(source, out, tmp_path / "findings", tmp_path / "ledger", name="crb")
    assert sorted(models) == sorted(published)
    for row in read(tmp_path / "ledger", "attrition").to_pylist():
        raw = pq.read_table(source / row["scope"] / "scores.parquet", columns=["chosen_score", "rejected_score"])
        sides = zip(*raw.to_pydict().values(), strict=True)
        lost = sum(any(score is None or math.isnan(score) for score in pair) for pair in sides)
        assert row["rows_in"] == 8866 == row["rows_kept"] + row["rows_dropped"]
        assert row["rows_dropped"] == lost + 8866 - raw.num_rows
    wins = {
        model: pq.read_table(out / f"{model}.parquet", columns=["outcome"]).column(0).to_pylist().count("win")
        for model in models
    }
    assert wins == {model: published[model].printed["overall"]["correct_predictions"] for model in models}
    findings = read(tmp_path / "findings", "findings").to_pylist()
    assert {row["severity"] for row in findings} == {"note"}
    # Counts by hand in protocol section 4: scores that are none, pairs a run lacks, zeros of failed replies.
    counts = {(row["run"], row["check"], row["detail"].split(":")[0]): row["rows"] for row in findings}
    assert counts["R3-Qwen3-14B-14k", "score is not a number", "chosen_score"] == 132
    assert counts["R3-Qwen3-8B-14k", "score is not a number", "rejected_score"] == 137
    assert counts["LMUnit-qwen2.5-72b", "out of range", "413 scores are outside 1 to 5"] == 413
    assert {key[0] for key in counts if key[1] == "missing rows"} == {"internlm2-20b-reward"}


# Five pairs: won, won, tied, lost, and one without a number. Labels as the kit spells them.
PAIRS = {
    "id": ["a", "b", "c", "d", "e"],
    "chosen_score": [3.0, 5.0, 0.0, 1.0, math.nan],
    "rejected_score": [1.0, 4.5, 0.0, 4.0, 2.0],
    "aspect": ["security_hardness", "security_hardness", "readability_maintainability"] + ["security_hardness"] * 2,
    "language": ["C++", "C++", "C#", "Go", "Go"],
    "subset": ["S", "S", "T", "T", "T"],
}
GAPS = [2.0, 0.5, 0.0, -3.0]
PRINTED = {
    "overall": {
        "accuracy": 0.4,
        "accuracy_valid_only": 0.5,
        "total_examples": 5,
        "correct_predictions": 2,
        "valid_pairs": 4,
        "mean_score_difference": -0.125,
        "median_score_difference": 0.25,
        "std_score_difference": round(statistics.stdev(GAPS), 4),
        "total_parse_failures": 1,
        "parse_failure_rate": 0.2,
        "comment": "no number",
        "complete": True,
    },
    "by_aspect": {
        "Security_Hardness": {"accuracy": 0.5, "count": 4},
        "Readability_Maintainability": {"accuracy": 0.0, "count": 1},
    },
    "by_language": {
        "Cpp": {"accuracy": 1.0, "count": 2},
        "CSharp": {"accuracy": 0.0, "count": 1},
        "Go": {"accuracy": 0.0, "count": 2},
    },
    "by_subset": {"S": {"accuracy": 1.0, "count": 2}, "T": {"accuracy": 0.0, "count": 3}},
    "parse_failures": 1,
}


def test_five_pairs_counted_by_hand():
    scores = pl.DataFrame(PAIRS)
    assert differences(scores, PRINTED) == []
    numbers = {path: value for path, value in leaves(PRINTED).items() if type(value) in (int, float)}
    assert recount(scores, PRINTED) == numbers and len(numbers) == 10 + 4 + 6 + 4 + 1


@pytest.mark.parametrize(
    "path", [path for path, value in leaves(PRINTED).items() if type(value) in (int, float)], ids=str
)
def test_every_number_that_is_off_by_its_last_digit_is_named_and_no_other(path):
    printed = json.loads(json.dumps(PRINTED))
    *way, last = path.split(".")
    block = printed
    for name in way:
        block = block[name]
    step = 1 if isinstance(block[last], int) else 0.0001
    true, block[last] = block[last], round(block[last] + step, 4)
    assert differences(pl.DataFrame(PAIRS), printed) == [f"{path}: {block[last]}, recounted {true}"]


def test_zeros_count_as_failed_replies_where_a_run_says_so():
    # Two of the ten scores above are 0: the family that prints no accuracy_valid_only takes them for failures.
    printed = {"overall": {"parse_failures": 2, "parse_failure_rate": 0.2}}
    assert differences(pl.DataFrame(PAIRS), printed) == []
    scores = pl.DataFrame(PAIRS).with_columns(rejected_score=pl.lit(0.0))
    printed = {"overall": {"parse_failures": 6, "parse_failure_rate": 0.6}}
    assert differences(scores, printed) == []


def test_a_number_that_is_not_known_is_reported_as_differing():
    printed = {
        "overall": {"accuracy": 0.4, "f1": 0.7},
        "by_subset": {"S": {"accuracy": 1.0, "tie_rate": 0.0}, "NO_SUCH": {"accuracy": 0.5, "count": 0}},
        "seeds": [7, {"eight": 8}],
        "version": 3,
    }
    own = recount(pl.DataFrame(PAIRS), printed)
    assert own == {
        "overall.accuracy": 0.4, "overall.f1": None, "by_subset.S.accuracy": 1.0, "by_subset.S.tie_rate": None,
        "by_subset.NO_SUCH.accuracy": None, "by_subset.NO_SUCH.count": 0, "seeds.0": None, "seeds.1.eight": None,
        "version": None,
    }  # fmt: skip
    assert [line.split(":")[0] for line in differences(pl.DataFrame(PAIRS), printed)] == [
        path for path, number in own.items() if number is None
    ]
    assert "overall.f1: 0.7, recounted None" in differences(pl.DataFrame(PAIRS), printed)


def imported(folder, printed=None, **columns):
    """Findings of the import of the five pairs: (check, rows, detail)."""
    (folder / "runs/model").mkdir(parents=True)
    pq.write_table(pa.table(PAIRS | columns), folder / "runs/model/scores.parquet")
    if printed is not None:
        (folder / "runs/model/results.json").write_bytes(printed)
    models = import_runs(folder / "runs", folder / "out", folder / "findings", folder / "ledger", name="crb")
    assert models == ["model"] and read(folder / "out/model.parquet", "scores").num_rows == 5
    rows = read(folder / "findings", "findings").to_pylist()
    assert {row["severity"] for row in rows} == {"note"}
    return [(row["check"], row["rows"], row["detail"]) for row in rows if row["check"] != "score is not a number"]


def test_a_contradicting_results_json_names_the_number(tmp_path):
    assert imported(tmp_path / "right", json.dumps(PRINTED).encode()) == []
    other = PRINTED | {"overall": PRINTED["overall"] | {"accuracy": 0.6}, "extra": 1}
    assert imported(tmp_path / "wrong", json.dumps(other).encode()) == [
        ("results.json", 2, "not what the scores give: overall.accuracy: 0.6, recounted 0.4; extra: 1, recounted None")
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b"{", 0),
        (b"", 0),
        (b"\xff", 0),
        (b"[1, 2]", 0),
        (b"[" * 100_000, 0),
        (b'{"overall": null, "by_aspect": 3, "by_language": [{"accuracy": 1.0}], "by_subset": "S"}', 2),
        (b'{"overall": {"accuracy": NaN}, "by_subset": {"S": 1, "T": null}}', 2),
    ],
    ids=["cut", "empty", "not UTF-8", "list", "deep", "other blocks", "not a number"],
)
def test_an_odd_results_json_is_noted_and_the_run_stays(tmp_path, text, rows):
    assert [(check, count) for check, count, _ in imported(tmp_path, text)] == [("results.json", rows)]


@pytest.mark.parametrize(
    ("correct", "wrong"),
    [
        ([True, True, False, False, False], ""),
        ([True, False, True, False, False], "bc"),
        (["True", "true", "FALSE", "False", "false"], ""),
        (["True", "True", "True", "False", "True"], "ce"),
        ([1, 1, 0, 0, 0], ""),
        ([1.0, 0.0, 0.0, 0.0, 0.0], "b"),
        ([None, True, None, False, None], ""),
        ([["a list"]] * 5, ""),
    ],
    ids=str,
)
def test_a_column_correct_that_contradicts_the_scores_is_noted(tmp_path, correct, wrong):
    said = [("column correct", len(wrong), f"it contradicts the scores of {wrong[0]}")] if wrong else []
    assert imported(tmp_path, correct=correct) == said
