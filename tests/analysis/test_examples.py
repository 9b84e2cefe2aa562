"""Changes side by side hold what the texts hold, harmlessly; examples are drawn by chance alone."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis import records
from themis.analysis import contents, examples

TEXT = st.lists(st.sampled_from(["", "a", "b", "return x", "return y", "\tif (a < b) {", "}", "é"]), max_size=30)
TAGS = {"style", "div", "table", "colgroup", "col", "thead", "tr", "th", "tbody", "td", "span", "b", "p"}
HOSTILE = "</td><script>alert(1)</script>\u202e<img src=x onerror=y>\x1b[31m"


def joined(pieces):
    return "".join(text for text, _ in pieces)


@given(TEXT, TEXT)
def test_every_line_of_both_texts_is_shown_or_lies_in_a_gap_of_equal_lines(old, new):
    shown = list(examples.side_by_side("\n".join(old), "\n".join(new)))
    before, after = contents.lines("\n".join(old)), contents.lines("\n".join(new))
    lefts = {line.old_number: joined(line.old) for line in shown if line.old is not None}
    rights = {line.new_number: joined(line.new) for line in shown if line.new is not None}
    assert all(before[number - 1] == text for number, text in lefts.items())
    assert all(after[number - 1] == text for number, text in rights.items())
    # What is not shown is the same on both sides, in the same order.
    hidden = [text for number, text in enumerate(before, 1) if number not in lefts]
    assert hidden == [text for number, text in enumerate(after, 1) if number not in rights]
    for line in shown:
        assert {
            "same": line.old is not None and line.old == line.new,
            "added": line.old is None and line.new is not None,
            "removed": line.new is None and line.old is not None,
            "changed": line.old is not None and line.new is not None and joined(line.old) != joined(line.new),
            "gap": line.old is None and line.new is None,
        }[line.kind]


def test_what_differs_within_a_line_is_marked():
    (line,) = examples.side_by_side("for i in range(10):\n", "for i in range(12):\n")
    assert line.old == [("for i in range(1", False), ("0", True), ("):", False)]
    assert line.new == [("for i in range(1", False), ("2", True), ("):", False)]
    (line,) = examples.side_by_side("import os\n", "xyz = 5\n")
    assert (line.old, line.new) == ([("import os", True)], [("xyz = 5", True)])


def row(i, **given):
    return {
        "id": f"{i:04d}", "commit": f"{i:040x}", "repository": "o/r", "repositories": ["o/r"], "license": "mit",
        "path": f"f{i}", "old_mode": 33188, "new_mode": 33188, "old_blob": "", "new_blob": "", "subject": f"s{i}",
        "message": "m", "committed_at": 10**17 if i == 1 else i, "language": "Go", "split": "train", "encoding": "utf-8",
        "old_contents": "a\n", "new_contents": f"a\nb{i}\n", "cluster_id": "0000" if i < 3 else f"{i:04d}", "kept": True,
    } | given  # fmt: skip


def table(folder, rows):
    path = folder / "deduplicated.parquet"
    schema = records.SCHEMAS["deduplicated"]
    frame = pl.DataFrame(rows, infer_schema_length=None).to_arrow() if rows else schema.empty_table()
    records.write(frame, path, "deduplicated")
    return path


def test_nothing_of_a_commit_acts_on_the_page(tmp_path):
    texts = ("repository", "path", "subject", "encoding", "language", "old_contents")
    rows = [row(i, **dict.fromkeys(texts, HOSTILE), new_contents=f"{HOSTILE}{i}", kept=i != 1) for i in range(3)]
    path = table(tmp_path, rows)
    members = contents.largest(path, number=2, shown=2)
    for page in (
        examples.changes(path, ["0000", "0002"]),
        examples.near_duplicates(path, members, number=2),
        examples.member_table(members),
    ):
        assert "alert(1)" in page
        assert set(re.findall(r"<(\w+)", page)) <= TAGS
        assert not re.search(r"<[^>]*(?:src|href|onerror)", page)
        assert "\u202e" not in page and "\x1b" not in page and r"\u202e" in page


def test_long_texts_are_cut_and_the_page_says_how_much(tmp_path):
    many = "".join(f"old {i}\n" for i in range(60)), "".join(f"new {i}\n" for i in range(60))
    path = table(
        tmp_path, [row(7, old_contents=many[0] + "x" * 900, new_contents=many[1] + "y" * 900, subject="s" * 999)]
    )
    page = examples.changes(path, ["0007"])
    assert "21 more lines are not shown." in page
    assert page.count("<tr>") == 1 + 40 + 1 and "s" * 201 not in page
    lines = list(examples.side_by_side("x" * 900, "y" * 900))
    assert len(joined(lines[0].old)) == 200 and joined(lines[0].old).endswith("…")


def measured_of(number):
    languages = ["Go", "Go", "Go", "C", "Ruby"]
    return pl.DataFrame(
        {
            "id": [f"{i:04d}" for i in range(number)],
            "split": ["train"] * number,
            "language": [languages[i % 5] for i in range(number)],
            "kept": [i % 7 != 0 for i in range(number)],
            "old_bytes": [50_000 if i % 11 == 0 else 500 for i in range(number)],
            "new_bytes": [600] * number,
            "added": [i % 3 for i in range(number)],
            "removed": [0] * number,
        }
    )


def test_examples_are_kept_changes_of_every_language_in_turn():
    measured = measured_of(700)
    picked = examples.pick(measured, 7, seed=1)
    rows = {row["id"]: row for row in measured.iter_rows(named=True)}
    assert [rows[one]["language"] for one in picked] == ["Go", "C", "Ruby", "Go", "C", "Ruby", "Go"]
    assert all(rows[one]["kept"] and rows[one]["added"] and rows[one]["old_bytes"] == 500 for one in picked)
    assert examples.pick(measured.sample(fraction=1, shuffle=True, seed=3), 7, seed=1) == picked
    assert examples.pick(measured, 7, seed=2) != picked
    # Every fit row is as likely as any other of its language: 200 draws of the one Ruby row name many of the 58.
    assert len({examples.pick(measured, 3, seed)[2] for seed in range(200)}) > 40
    assert examples.pick(measured[:0], 5, seed=1) == []


def test_a_group_is_shown_with_all_its_size_and_dates_that_no_calendar_has(tmp_path):
    path = table(tmp_path, [row(i, kept=i != 1 and i != 2) for i in range(6)])
    page = examples.member_table(contents.largest(path, number=5, shown=2))
    assert "3 commits, of which 2 are shown" in page and page.count("left out") == 1 and "1970-01-01" in page
    every = examples.member_table(contents.largest(path, number=5, shown=9))
    assert f"{10**17} s" in every and "are shown" not in every
    compared = examples.near_duplicates(path, contents.largest(path, number=5, shown=2), number=5)
    assert "one of 3 near-duplicates" in compared and compared.count("<table>") == 1


@pytest.mark.parametrize("ids", [[], ["0001"]])
def test_a_table_without_duplicates_or_rows_says_so(tmp_path, ids):
    path = table(tmp_path, [row(int(one), cluster_id=one) for one in ids])
    members = contents.largest(path, number=3, shown=3)
    assert "No commit has a near-duplicate." in examples.member_table(members)
    assert "No commit has a near-duplicate." in examples.near_duplicates(path, members, number=2)
    assert ("No change was kept." in examples.changes(path, ids)) == (not ids)
    same = table(tmp_path, [row(1, old_contents="a\n", new_contents="a\n")])
    assert "The two texts are the same." in examples.changes(same, ["0001"])
