"""Rows are asked for part by part, whatever the size of the parts, and an answer that never comes is no table."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.generation import Request
from themis.llm import asking
from themis.llm.asking import answered, rows_of_shard
from themis.records.shards import in_shard


def two_questions(row):
    return [Request(key=f"{row['id']}/{side}", user=row["new_contents"], max_new_tokens=1) for side in "ab"]


def keys(rows, generator):
    return [
        (row["id"], [request.key for request, _ in asked], [answer.text for _, answer in asked])
        for part in answered(rows, two_questions, generator, "test")
        for row, asked in part
    ]


def test_every_row_comes_once_with_its_own_answers_however_the_parts_are_cut(make_labelled, scripted, monkeypatch):
    rows = list(rows_of_shard(make_labelled(11), 0, 1))
    expected = [(row["id"], [f"{row['id']}/{s}" for s in "ab"], [f"to {row['id']}/{s}" for s in "ab"]) for row in rows]
    for most_rows, most_characters in ((2048, 1 << 26), (3, 1 << 26), (100, 1), (1, 10)):
        monkeypatch.setattr(asking, "PART_ROWS", most_rows)
        monkeypatch.setattr(asking, "PART_CHARACTERS", most_characters)
        generator = scripted(lambda request: f"to {request.key}")
        assert keys(iter(rows), generator) == expected
        assert len(generator.asked) <= (2 if most_characters < 100 else 2 * most_rows)  # of the last part


def test_a_part_is_asked_before_the_next_is_read(make_labelled, scripted, monkeypatch):
    monkeypatch.setattr(asking, "PART_ROWS", 2)
    read = []

    def rows():
        for row in rows_of_shard(make_labelled(6), 0, 1):
            read.append(row["id"])
            yield row

    parts = answered(rows(), two_questions, scripted(lambda _: "yes"), "test")
    next(parts)
    assert len(read) == 2


def test_shards_share_the_rows_and_leave_out_what_is_not_kept_or_about_nothing(make_labelled):
    labelled = make_labelled(40, kept=[True] * 30 + [False] * 10, aspect=["security_hardness"] * 20 + [None] * 20)
    ids = [[row["id"] for row in rows_of_shard(labelled, shard, 3)] for shard in range(3)]
    assert all(ids)
    assert sorted(row for shard in ids for row in shard) == sorted(labelled["id"].to_pylist()[:20])
    parts = [labelled.slice(at, 7) for at in range(0, 40, 7)]
    assert [[row["id"] for row in rows_of_shard(parts, shard, 3)] for shard in range(3)] == ids
    assert in_shard([], 0, 3).type == pa.bool_()
    with pytest.raises(Problem, match="shard 3 is not one of 0 to 2"):
        list(rows_of_shard(labelled, 3, 3))


class Postponing:
    """A back end that answers nothing now."""

    fingerprint = "postponing"

    def __init__(self, says=None):
        self.says, self.asked = says, []

    def generate(self, requests):
        self.asked += [request.key for request in requests]
        return iter(())

    def finish(self):
        if self.says:
            raise Problem(self.says)


def test_what_is_not_answered_ends_the_step_after_everything_was_asked(make_labelled, monkeypatch):
    monkeypatch.setattr(asking, "PART_ROWS", 2)
    rows = list(rows_of_shard(make_labelled(5), 0, 1))
    batches = Postponing("5 requests wait in batch files")
    with pytest.raises(Problem, match="wait in batch files"):
        keys(iter(rows), batches)
    assert len(batches.asked) == 10
    with pytest.raises(Problem, match=f"10 requests got no answer, first {rows[0]['id']}/a"):
        keys(iter(rows), Postponing())
