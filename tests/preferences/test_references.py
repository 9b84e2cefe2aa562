"""The texts of a benchmark's files are read whatever their form, and what cannot be read is named."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis import records
from themis.errors import Problem
from themis.preferences.decontaminate import benchmark_texts
from themis.preferences.references import References

ROWS = [
    {
        "id": 1,
        "prompt": "first prompt",
        "chosen": ["a reply", "another"],
        "chat": [{"role": "user", "content": "hello"}],
    },
    {
        "id": 2,
        "prompt": None,
        "chosen": [],
        "chat": [{"role": "user", "content": "deep"}, {"role": "x", "content": None}],
    },
]
TEXTS = ["a reply", "another", "deep", "first prompt", "hello", "user", "user", "x"]


def texts(path):
    return sorted(text for some in benchmark_texts(path) for text in some)


def test_every_text_is_read_however_it_is_nested(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, ROWS)) + "\n\n", encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps({"data": ROWS}), encoding="utf-8")
    for name in ("a.parquet", "b.jsonl", "c.json"):
        assert texts(tmp_path / name) == TEXTS


def test_a_folder_stands_for_its_files(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.jsonl").write_text('{"x": "one"}\n', encoding="utf-8")
    (tmp_path / "deeper" / "b.json").write_text('["two"]', encoding="utf-8")
    (tmp_path / "README.md").write_text("not a benchmark", encoding="utf-8")
    assert texts(tmp_path) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"x": "one"}\n{"x": ', "a.jsonl: not readable"),
        ("a.parquet", b"PAR1 not really", "a.parquet: not readable"),
        ("a.json", b"\xff\xfe", "a.json: not readable"),
        ("a.csv", b"x,y\n", "a.csv: not readable as a benchmark: it is none of .parquet"),
        ("empty", None, "empty: no benchmark here"),
    ],
)
def test_what_is_no_benchmark_is_named(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Problem, match=said):
        list(texts(tmp_path / name))


def test_references_are_of_every_benchmark(tmp_path, tables):
    own = tables.benchmark([{"prompt": "p0 p1 p2 p3", "chosen": "c0 c1 c2 c3", "rejected": "r0 r1 r2 r3"}])
    records.write(own, tmp_path / "own.parquet", "benchmark")
    (tmp_path / "other.jsonl").write_text('{"x": {"y": ["o0 o1 o2 o3"]}}\n', encoding="utf-8")
    commits = [
        {"id": "1", "split": "benchmark", "repositories": ["a/a", "b/b"]},
        {"id": "2", "split": "train", "repositories": ["c/c"]},
        {"id": "3", "split": "benchmark", "repositories": ["b/b"]},
    ]
    records.write(tables.accepted(commits), tmp_path / "commits.parquet", "labelled")
    found = References.read(
        [tmp_path / "own.parquet"], [tmp_path / "other.jsonl"], tmp_path / "commits.parquet", 4, 0.75
    )
    shown = [f"{letter}0 {letter}1 {letter}2 {letter}3" for letter in "pcrox"]
    assert found.runs.shared_by(shown).tolist() == [True] * 4 + [False]
    assert found.pairs.close_to(["p0 p1 p2 p3\nc0 c1 c2 c3", "p0 p1 p2 p3\nr0 r1 r2 r3"]).tolist() == [True, False]
    assert found.repositories == ["a/a", "b/b"]
