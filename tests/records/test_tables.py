"""A table is written whole or not at all, checked against its schema, and says where it came from."""

import hashlib
import itertools
import json

import pyarrow as pa
import pytest

from themis import records
from themis.errors import Problem

PAIR = {
    "id": ["b", "a"],
    "prompt": ["p", "q"],
    "chosen": ["x", "y"],
    "rejected": ["z", "w"],
    "aspect": ["readability_maintainability"] * 2,
    "language": ["C"] * 2,
    "subset": ["S"] * 2,
}


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "pairs.parquet"
    records.write(pa.table(PAIR), path, "benchmark")
    assert records.read(path, "benchmark").to_pydict() == PAIR
    assert records.read(path, "benchmark", columns=["id"]).to_pydict() == {"id": ["b", "a"]}


def test_same_rows_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        records.write(pa.table(PAIR), tmp_path / name / "pairs.parquet", "benchmark", seed=3)
    assert (tmp_path / "one/pairs.parquet").read_bytes() == (tmp_path / "two/pairs.parquet").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["prompt"]),
        lambda table: table.append_column("extra", pa.array([1, 2])),
        lambda table: table.set_column(1, "prompt", pa.array(["p", None])),
        lambda table: table.set_column(1, "prompt", pa.array([{"a": 1}, {"a": 2}])),
    ],
    ids=["missing column", "unknown column", "null value", "other type"],
)
def test_a_table_that_breaks_its_schema_leaves_nothing_behind(tmp_path, change):
    with pytest.raises(Problem):
        records.write(change(pa.table(PAIR)), tmp_path / "pairs.parquet", "benchmark")
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_fails_midway_keeps_the_old_file(tmp_path):
    path = tmp_path / "pairs.parquet"
    records.write(pa.table(PAIR), path, "benchmark")
    before = path.read_bytes()

    def stream():
        yield pa.table(PAIR)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        records.write(stream(), path, "benchmark")
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["pairs.parquet"]


@pytest.mark.parametrize("content", [b"", b"PAR1 not really", b"\x00" * 4096])
def test_a_corrupt_file_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "broken.parquet"
    path.write_bytes(content)
    with pytest.raises(Problem) as caught:
        records.read(path, "benchmark")
    assert "broken.parquet" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_table_is_no_table(tmp_path):
    path = tmp_path / "pairs.parquet"
    records.write(pa.table(PAIR), path, "benchmark")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Problem, match="not a readable Parquet file"):
        records.read(path, "benchmark")


def test_provenance_names_schema_study_seed_and_inputs(tmp_path, monkeypatch):
    monkeypatch.setenv("THEMIS_STUDY_HASH", "cafe")
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc")
    records.write(pa.table(PAIR), tmp_path / "pairs.parquet", "benchmark", inputs=[source], seed=5)
    said = records.metadata(tmp_path / "pairs.parquet")
    assert said["schema"] == "benchmark"
    assert said["study"] == "cafe"
    assert said["seed"] == "5"
    # SHA-256 of "abc", FIPS 180-2 appendix B.1
    assert json.loads(said["inputs"]) == {
        "source.bin": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }


def test_how_a_stream_is_cut_changes_neither_rows_nor_bytes(tmp_path):
    rows = pa.table({key: [f"{key}{i}" for i in range(9001)] for key in PAIR})
    for name, cuts in (("whole", (0, 9001)), ("cut", (0, 1, 1, 4095, 4097, 8999, 9001))):
        parts = (rows.slice(start, stop - start) for start, stop in itertools.pairwise(cuts))
        records.write(parts, tmp_path / f"{name}.parquet", "benchmark")
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "cut.parquet").read_bytes()
    streamed = list(records.stream(tmp_path / "cut.parquet", "benchmark", ["prompt", "id"], rows=1000))
    assert max(table.num_rows for table in streamed) <= 1000
    assert pa.concat_tables(streamed).to_pydict() == rows.select(["prompt", "id"]).to_pydict()


def test_inputs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        paths.append(tmp_path / run / "scores.parquet")
        paths[-1].write_text(run)
    (tmp_path / "alone.txt").write_text("x")
    table = records.SCHEMAS["licenses"].empty_table()
    records.write(table, tmp_path / "out.parquet", "licenses", inputs=[*paths, tmp_path / "alone.txt"])
    known = json.loads(records.metadata(tmp_path / "out.parquet")["inputs"])
    expected = {f"{run}/scores.parquet": hashlib.sha256(run.encode()).hexdigest() for run in ("a", "b")}
    assert known == {**expected, "alone.txt": hashlib.sha256(b"x").hexdigest()}
