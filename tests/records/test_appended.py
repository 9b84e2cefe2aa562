"""What was appended is read again, what a kill cut short is cut off, and a file of someone else's is left as it is."""

import json

import pytest

from themis.errors import Problem
from themis.records.appended import append_entry, read_entries, whole_lines

ENTRIES = {"a": 1, "b\n": 0.1, "é": [None, "x"]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cache/results.jsonl"
    assert read(path) == {}  # which makes the folder
    for key, value in ENTRIES.items():
        append_entry(path, key, value=value)
    return path


def read(path):
    return read_entries(path, lambda fields: fields["value"], "result")


def test_entries_are_lines_of_json_under_their_keys(file):
    assert read(file) == ENTRIES
    lines = file.read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [{"key": k, "value": v} for k, v in ENTRIES.items()]
    assert lines[-1] == ""


def test_of_two_entries_of_a_key_the_last_counts(file):
    append_entry(file, "a", value=2)
    assert read(file) == {**ENTRIES, "a": 2}


def test_a_last_line_cut_anywhere_is_gone_and_the_next_entry_is_whole(file):
    whole = file.read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(start, len(whole)):
        file.write_bytes(whole[:end])
        assert read(file) == {key: ENTRIES[key] for key in ("a", "b\n")}
        assert file.read_bytes() == whole[:start]
        append_entry(file, "é", value=ENTRIES["é"])
        assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"dear diary", 1),  # not one whole line
        (b"dear diary\nall is well", 1),
        (b'{"key": "a", "value": 1}\ndear dia', 2),
        (b'{"key": "a", "value": 1}\n{"key": "b"}\n{"ke', 2),  # no value
        (b'{"key": "a", "value"\n{"key": "b", "value": 1}\n{"ke', 1),
        (b'{"value": 1}\n{"ke', 1),
        (bytes(40), 1),
    ],
)
def test_a_file_that_holds_anything_else_is_refused_and_stays(tmp_path, content, line):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(Problem, match=rf"notes\.txt: line {line} is no result"):
        read(path)
    assert path.read_bytes() == content


def test_nothing_is_cut_before_the_last_line_was_taken(file):
    with file.open("ab") as stream:
        stream.write(b'{"key"')
    whole = file.read_bytes()
    lines = whole_lines(file, b'{"key": "', "result")
    next(lines)
    lines.close()
    assert file.read_bytes() == whole
    assert list(whole_lines(file, b'{"key": "', "result")) == whole.splitlines(keepends=True)[:-1]
    assert file.read_bytes() == whole[: -len(b'{"key"')]


def test_what_is_not_finite_is_not_written(file):
    whole = file.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        append_entry(file, "n", value=float("nan"))
    assert file.read_bytes() == whole
