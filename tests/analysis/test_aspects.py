"""Counts, bins and examples of labelled commits are what a look at every row gives."""

import random
import re
from collections import Counter

import polars as pl
import pytest

from themis import records
from themis.analysis import aspect_figures, aspects
from themis.vocabulary import CODE_CRITERIA

HOSTILE = "</td><script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """900 labelled rows and where they lie."""
    draw = random.Random(4)
    rows = []
    for i in range(900):
        aspect = draw.choice([*(c.value for c in CODE_CRITERIA), None])
        values = {c.value: draw.choice([0.0, 1.0, round(draw.random(), 4)]) for c in CODE_CRITERIA}
        rows.append(
            {
                "id": f"{i:04d}", "commit": f"{i:040x}", "repository": "o/r", "repositories": ["o/r"], "license": "mit",
                "path": f"f{i}.py", "old_mode": 33188, "new_mode": 33188, "old_blob": "", "new_blob": "",
                "subject": f"s{i} {HOSTILE}", "message": "m", "committed_at": 0, "language": draw.choice(["Go", "C"]),
                "split": "train", "encoding": "utf-8", "old_contents": "a", "new_contents": "b", "cluster_id": str(i),
                "kept": aspect is not None and i % 2 == 0, **values, "aspect": aspect,
                "reached": draw.choice(["term", "classifier"]) if aspect else "none",
            }
        )  # fmt: skip
    path = tmp_path_factory.mktemp("aspects") / "labelled.parquet"
    records.write(pl.DataFrame(rows).to_arrow(), path, "labelled")
    return rows, path


def test_yields_count_every_row_once_however_they_are_read(made, monkeypatch):
    rows, path = made
    counts = aspects.yields(path)
    monkeypatch.setattr(aspects, "_ROWS", 7)
    assert aspects.yields(path).equals(counts)
    expected = Counter((row["aspect"], row["language"], row["reached"]) for row in rows)
    kept = Counter((row["aspect"], row["language"], row["reached"]) for row in rows if row["kept"])
    assert {row[:3]: row[3:] for row in counts.iter_rows()} == {key: (expected[key], kept[key]) for key in expected}
    for column, only in (("commits", rows), ("kept", [row for row in rows if row["kept"]])):
        cells = Counter((row["aspect"], row["language"]) for row in only)
        assert all(n == cells[aspect, language] for aspect, language, n in aspects.grid(counts, column).iter_rows())
    ways = Counter((row["aspect"], row["reached"]) for row in rows)
    assert all(n == ways[aspect, way] for aspect, way, n in aspects.reached(counts).iter_rows())


def test_probabilities_are_binned_with_zero_and_one_at_the_ends(made, monkeypatch):
    rows, path = made
    monkeypatch.setattr(aspects, "_ROWS", 11)
    bins = aspects.probabilities(path)
    for criterion in CODE_CRITERIA:
        own = bins.filter(criterion=criterion.value)
        assert own["commits"].sum() == 900
        assert own["given"].sum() == sum(row["aspect"] == criterion for row in rows)
        for low, count in own.select("low", "commits").iter_rows():
            high = low + 0.05 if low < 0.94 else 2
            assert count == sum(low <= row[criterion.value] + 1e-12 < high for row in rows)


def test_examples_are_drawn_by_chance_from_each_criterion(made, monkeypatch):
    rows, path = made
    drawn = aspects.drawn(path, 10, seed=3)
    assert drawn["aspect"].to_list() == [c.value for c in CODE_CRITERIA for _ in range(10)]
    by_id = {row["id"]: row for row in rows}
    assert all(by_id[one]["aspect"] == aspect for one, aspect in drawn.select("id", "aspect").iter_rows())
    assert all(by_id[row["id"]][row["aspect"]] == row["probability"] for row in drawn.iter_rows(named=True))
    monkeypatch.setattr(aspects, "_ROWS", 7)
    assert aspects.drawn(path, 10, seed=3).equals(drawn) and not aspects.drawn(path, 10, seed=4).equals(drawn)
    seen = {one for seed in range(60) for one in aspects.drawn(path, 3, seed)["id"].to_list()}
    assert len(seen) > 450  # every row is as likely as another: 900 draws name most of some 750


def test_nothing_of_a_commit_acts_on_the_page(made):
    _, path = made
    page = aspects.example_table(path, aspects.drawn(path, 2, seed=1))
    assert page.count("alert(1)") == 10 and "<script" not in page and "\u202e" not in page
    assert page.count("<tr>") == 1 + 10 and not re.search(r"<[^>]*(?:src|href|onerror)", page)
    assert "No commit improves a criterion." in aspects.example_table(path, aspects.drawn(path, 0, seed=1))


def test_figures_are_legible_and_say_when_there_is_nothing(made, tmp_path, faults_of):
    _, path = made
    counts = aspects.yields(path)
    used = {criterion.value: 0.4 if at % 2 else None for at, criterion in enumerate(CODE_CRITERIA)}
    points = [
        {"criterion": c.value, "data": data, "threshold": t / 50, "precision": t / 50, "recall": 1 - t / 50}
        for c in CODE_CRITERIA for data in ("held_out", "sample") for t in range(50)
    ]  # fmt: skip
    quality = [
        {"criterion": c.value, "terms": terms, "half": "report", "measure": measure, "commits": 9, "part": 3, "value": v,
         "low": v - 0.1, "high": v + 0.1}
        for c in CODE_CRITERIA for terms in ("ours", "reference") for measure, v in (("precision", 0.9), ("recall", 0.3))
    ]  # fmt: skip
    empty = tmp_path / "empty.parquet"
    records.write(records.SCHEMAS["labelled"].empty_table(), empty, "labelled")
    for figure in (
        aspect_figures.reached(aspects.reached(counts)),
        aspect_figures.probabilities(aspects.probabilities(path), used),
        aspect_figures.curves(pl.DataFrame(points), used),
        aspect_figures.term_quality(pl.DataFrame(quality)),
        aspect_figures.reached(aspects.reached(aspects.yields(empty))),
        aspect_figures.probabilities(aspects.probabilities(empty), {}),
        aspect_figures.curves(pl.from_arrow(records.SCHEMAS["curves"].empty_table()), {}),
        aspect_figures.term_quality(pl.from_arrow(records.SCHEMAS["term_quality"].empty_table())),
    ):
        assert faults_of(figure) == []
