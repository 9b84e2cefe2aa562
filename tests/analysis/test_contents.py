"""What was read and deduplicated, measured in batches, is what a look at every row gives."""

import random
from collections import Counter

import polars as pl
import pytest

from themis import records
from themis.analysis import attrition, content_figures, contents

NAMES = [f"line {i}" for i in range(500)]


def made_up(number, seed=0):
    """Rows with known edits, in clusters whose id is that of the kept row."""
    source = random.Random(seed)
    rows = []
    for i in range(number):
        old = source.sample(NAMES, source.randrange(0, 60))
        added, removed = source.randrange(0, 9), source.randrange(0, min(len(old), 9) + 1)
        gone = source.sample(range(len(old)), removed)
        new = [line for place, line in enumerate(old) if place not in gone]
        for number_of_it in range(added):
            new.insert(source.randrange(0, len(new) + 1), f"added {number_of_it} ü\f")
        cluster = i if source.random() < 0.4 else source.randrange(0, i + 1)
        cluster = rows[cluster]["cluster"] if cluster < i else i
        rows.append(
            {
                "id": f"{i:06d}", "commit": f"{i:040x}", "repository": "o/r", "repositories": ["o/r"], "license": "mit",
                "path": f"f{i}.py", "old_mode": 33188, "new_mode": 33188, "old_blob": "", "new_blob": "",
                "subject": f"s{i}", "message": "m", "committed_at": source.randrange(10**9), "language": "Python",
                "split": source.choice(["train", "benchmark"]), "encoding": source.choice(["utf-8", "utf-8,latin-1"]),
                "old_contents": "".join(f"{line}\n" for line in old), "new_contents": "\n".join(new),
                "cluster": cluster, "cluster_id": f"{cluster:06d}", "kept": cluster == i, "edit": (added, removed),
            }
        )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """1,500 rows and where they lie."""
    rows = made_up(1500)
    path = tmp_path_factory.mktemp("contents") / "deduplicated.parquet"
    records.write(pl.DataFrame(rows).drop("cluster", "edit").to_arrow(), path, "deduplicated")
    return rows, path


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "deduplicated.parquet"
    records.write(records.SCHEMAS["deduplicated"].empty_table(), path, "deduplicated")
    return path


def test_sizes_and_changed_lines_are_those_of_the_edits(made):
    rows, path = made
    measured = contents.measured(path)
    assert measured["id"].to_list() == [row["id"] for row in rows]
    assert list(measured.select("added", "removed").iter_rows()) == [row["edit"] for row in rows]
    assert measured["new_bytes"].to_list() == [len(row["new_contents"].encode()) for row in rows]
    bins = contents.bins(measured)
    for quantity in ("old_bytes", "removed"):
        values = measured[quantity].to_list()
        for low, high, number in bins.filter(quantity=quantity).select("shortest", "longest", "commits").iter_rows():
            assert number == sum(low <= value < high for value in values)
    assert bins.group_by("quantity").agg(pl.col("commits").sum())["commits"].to_list() == [1500] * 4


def test_a_line_that_moved_is_no_change_and_an_end_without_a_line_feed_is_none():
    assert (
        contents.lines("a\fb\r\nc\n") == ["a\fb\r", "c"] and contents.lines("") == [] and contents.lines("\n") == [""]
    )


def test_a_sample_is_the_rows_of_the_lowest_ids_however_they_are_read(made, monkeypatch):
    rows, path = made
    few = contents.measured(path, sample=130)
    monkeypatch.setattr(contents, "_ROWS", 7)
    again = contents.measured(path, sample=130)
    assert few.equals(again) and few["id"].to_list() == [row["id"] for row in rows[:130]]
    assert contents.sampled(few, path).startswith("Sizes of 130 of 1,500 commits")
    assert contents.sampled(contents.measured(path), path) == "Sizes of all 1,500 commits."


def test_groups_are_counted_by_their_size(made, monkeypatch):
    rows, path = made
    monkeypatch.setattr(contents, "_MERGE", 100)
    sizes = Counter(row["cluster"] for row in rows)
    table = contents.clusters(path)
    assert table["rows"].sum() == 1500
    for fewest, most, groups, members in table.rows():
        here = [size for size in sizes.values() if fewest <= size <= most]
        assert (groups, members) == (len(here), sum(here)) and most == 2 * fewest - 1
    encodings = Counter((row["encoding"], row["split"]) for row in rows)
    for encoding, train, benchmark in contents.encodings(path).rows():
        assert (encodings[encoding, "train"], encodings[encoding, "benchmark"]) == (train, benchmark)


def test_the_largest_groups_show_the_kept_commit_and_then_the_oldest(made):
    rows, path = made
    found = contents.largest(path, number=3, shown=4)
    sizes = Counter(row["cluster"] for row in rows)
    order = sorted(sizes, key=lambda cluster: (-sizes[cluster], cluster))[:3]
    expected = []
    for cluster in order:
        members = [row for row in rows if row["cluster"] == cluster]
        members.sort(key=lambda row: (not row["kept"], row["committed_at"], row["id"]))
        expected += [(f"{cluster:06d}", sizes[cluster], row["id"], row["kept"]) for row in members[:4]]
    assert found.select("cluster_id", "size", "id", "kept").rows() == expected


def test_texts_are_found_by_id(made):
    rows, path = made
    ids = [rows[3]["id"], rows[1400]["id"]]
    found = contents.rows_of(path, ids, ["old_contents", "subject"])
    assert {row: (found[row]["old_contents"], found[row]["subject"]) for row in ids} == {
        row["id"]: (row["old_contents"], row["subject"]) for row in rows if row["id"] in ids
    }
    assert contents.rows_of(path, [], ["subject"]) == {}


def flow_of(folder, *stages):
    paths = []
    for stage, scope, kept, dropped in stages:
        ledger = records.Ledger(stage)
        ledger.keep(scope, kept)
        for reason, rows in dropped.items():
            ledger.drop(reason, scope, rows)
        paths.append(folder / f"{stage}.{scope}.parquet")
        ledger.write(paths[-1])
    return attrition.flow(pl.from_arrow(records.gather(paths, folder / "all.parquet")))


def test_the_answer_and_the_reasons_are_the_ledgers(made, tmp_path):
    flow = flow_of(
        tmp_path,
        ("retrieve", "train", 900, {"binary": 70, "blob missing": 30}),
        ("retrieve", "benchmark", 600, {"blob missing": 400}),
        ("deduplicate", "train", 500, {"near-duplicate": 400}),
        ("deduplicate", "benchmark", 550, {"near-duplicate": 50}),
    )
    assert contents.outcomes(flow).rows() == [("blob missing", 30, 400), ("binary", 70, 0)]
    said = contents.answer(flow, contents.measured(made[1]))
    assert said.startswith(
        "Both contents of 1,500 of 2,000 (75.0%) selected commits could be read; 1,050 (70.0%) of these are left"
    )


def test_figures_are_legible(made, tmp_path, faults_of):
    _, path = made
    reasons = pl.DataFrame({"reason": ["a $reason that is$ long " * 3, "b"], "train": [5, 0], "benchmark": [1, 2]})
    figures = [
        content_figures.sizes(contents.bins(contents.measured(path))),
        content_figures.sizes(contents.bins(contents.measured(path, sample=1))),
        content_figures.outcomes(reasons, contents.encodings(path)),
        content_figures.outcomes(reasons[:0], contents.encodings(path)),
        content_figures.clusters(contents.clusters(path)),
    ]
    assert not [fault for figure in figures for fault in faults_of(figure)]


def test_no_contents_at_all_are_said(empty, tmp_path):
    measured = contents.measured(empty)
    flow = flow_of(tmp_path, ("select", "all", 0, {"reverted": 3}))
    figures = [
        content_figures.sizes(contents.bins(measured)),
        content_figures.outcomes(contents.outcomes(flow), contents.encodings(empty)),
        content_figures.clusters(contents.clusters(empty)),
    ]
    assert all(figure.texts[0].get_text() == content_figures.NOTHING for figure in figures)
    assert contents.largest(empty, number=3, shown=3).is_empty()
    assert contents.answer(flow, measured).startswith("Both contents of 0 of 0 selected commits could be read; 0")
    assert contents.sampled(measured, empty) == "Sizes of all 0 commits."
