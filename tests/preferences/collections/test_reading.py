"""Reading a source: each form a data set lies in gives the same rows, and nothing in its folder is run."""

import gzip
import json
import os
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.errors import Problem
from themis.preferences.collections.reading import NotThere, data_files, rows_at

ROWS = [{"a": f"text {at}", "b": [{"c": at}], "label": at % 2} for at in range(600)]
COLUMNS = ["a", "b"]
FEATURES = {"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}


def table(rows=ROWS):
    return pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(FEATURES)})


def lines(rows=ROWS):
    return "".join(json.dumps(row) + "\n" for row in rows)


def arrow(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(path, table(rows).schema) as writer:
        writer.write_table(table(rows), max_chunksize=100)


def layouts(folder):
    """The same rows in every form."""
    for name in ("parquet", "lines", "packed", "disk", "splits"):
        (folder / name / "data").mkdir(parents=True)
    pq.write_table(table(ROWS[:300]), folder / "parquet/data/train-00000-of-00002.parquet")
    pq.write_table(table(ROWS[300:]), folder / "parquet/data/train-00001-of-00002.parquet")
    pq.write_table(table(ROWS[:5]), folder / "parquet/data/test-00000-of-00001.parquet")
    (folder / "lines/data/rows.jsonl").write_text(lines() + "\n")
    (folder / "packed/data/train.jsonl.gz").write_bytes(gzip.compress(lines().encode()))
    arrow(folder / "disk/data-00000-of-00002.arrow", ROWS[:300])
    arrow(folder / "disk/data-00001-of-00002.arrow", ROWS[300:])
    arrow(folder / "disk/cache-1234.arrow", ROWS[:7])
    (folder / "disk/state.json").write_text("{}")
    arrow(folder / "splits/train/data-00000-of-00001.arrow")
    arrow(folder / "splits/test/data-00000-of-00001.arrow", ROWS[:5])
    (folder / "splits/dataset_dict.json").write_text('{"splits": ["train", "test"]}')


def test_every_form_gives_the_same_rows(tmp_path):
    layouts(tmp_path)
    expected = [{column: row[column] for column in COLUMNS} for row in ROWS]
    for folder in sorted(tmp_path.iterdir()):
        found = [{column: row[column] for column in COLUMNS} for row in rows_at(folder, COLUMNS)]
        assert found == expected, folder.name
    assert len(list(rows_at(tmp_path / "parquet", COLUMNS, split="test"))) == 5
    assert len(list(rows_at(tmp_path / "parquet", COLUMNS, ["data/test-*.parquet"]))) == 5


def test_labels_come_by_their_names(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    arrow(tmp_path / "b.arrow")
    for name in ("a.parquet", "b.arrow"):
        assert [row["label"] for row in rows_at(tmp_path / name, ["label"])][:3] == ["no", "yes", "no"]


def test_what_is_not_there_is_told_from_what_is_wrong(tmp_path):
    for path, says in ((tmp_path / "nowhere", "no such file"), (tmp_path, "it has nothing")):
        with pytest.raises(NotThere, match=says):
            data_files(path, [], "train")
    layouts(tmp_path)
    with pytest.raises(NotThere, match="it has data, test, train"):
        data_files(tmp_path / "splits", [], "validation")
    with pytest.raises(NotThere, match="no file x"):
        data_files(tmp_path / "lines", ["x/*.jsonl"], "train", only_named=True)


@pytest.mark.parametrize("name", ["a.parquet", "b.arrow", "c.jsonl"])
def test_a_missing_column_is_named_with_those_there(tmp_path, name):
    pq.write_table(table(), tmp_path / "a.parquet")
    arrow(tmp_path / "b.arrow")
    (tmp_path / "c.jsonl").write_text(lines())
    with pytest.raises(Problem, match="no column prompt; it has a, b, label") as caught:
        next(rows_at(tmp_path / name, ["a", "prompt"]))
    assert not isinstance(caught.value, NotThere)


def test_an_array_of_json_is_rows_and_columns_may_be_optional(tmp_path):
    rows = [{"a": 1, "b": 2}, {"a": 3, "b": None}]
    (tmp_path / "rows.json").write_text("\n " + json.dumps(rows, indent=1))
    assert list(rows_at(tmp_path / "rows.json", ["a"])) == rows
    with pytest.raises(Problem, match="row 1: no column c"):
        list(rows_at(tmp_path / "rows.json", ["c"]))
    (tmp_path / "rows.json").write_text('["a"]')
    with pytest.raises(Problem, match="row 1 is no object"):
        list(rows_at(tmp_path / "rows.json", ["a"]))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    assert list(rows_at(tmp_path / "rows.parquet", ["a"], optional=["b", "c"])) == rows
    assert list(rows_at(tmp_path / "rows.parquet", ["a"])) == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1 not really PAR1"),
        ("a.parquet", b""),
        ("a.arrow", b"\xff\xff\xff\xff\x10\x00\x00\x00junk"),
        ("a.jsonl", b'{"a": 1'),
        ("a.jsonl", b"[" * 100_000),
        ("a.jsonl", b'{"a": "\xff"}'),
        ("a.jsonl", b'[{"a": 1}]'),
        ("a.jsonl.gz", b"no gzip"),
    ],
)
def test_junk_is_one_clear_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Problem) as caught:
        list(rows_at(tmp_path / name, ["a"]))
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_damaged_arrow_file_is_refused_before_its_rows_are_used(tmp_path):
    path = tmp_path / "data-0.arrow"
    arrow(path)
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    at = whole.index(b"text 0text 1")
    content[at - 64 : at] = 64 * b"\x7f"  # the offsets of the texts
    path.write_bytes(content)
    with pytest.raises(Problem, match=r"not readable as Arrow"):
        list(rows_at(path, ["a"]))


def test_a_line_without_an_end_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("themis.preferences.collections.reading._LONGEST_LINE", 1000)
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a": "' + 5000 * "x")
    with pytest.raises(Problem, match="line 2 is longer"):
        list(rows_at(tmp_path / "a.jsonl", ["a"]))


def test_nothing_in_the_folder_is_run_or_unpickled(tmp_path):
    mark = tmp_path / "ran"
    source = tmp_path / "source"
    source.mkdir()

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    for name in ("source.py", "dataset.py", "conftest.py", "__init__.py"):
        (source / name).write_text(f"open({str(mark)!r}, 'w')\n")
    (source / "rows.pkl").write_bytes(pickle.dumps(Bomb()))
    (source / "train.pkl").write_bytes(pickle.dumps(Bomb()))
    (source / "train.jsonl").write_text(lines(ROWS[:3]))
    assert len(list(rows_at(source, ["a"]))) == 3
    (source / "train.jsonl").unlink()
    with pytest.raises(NotThere):
        list(rows_at(source, ["a"]))
    assert not mark.exists()
