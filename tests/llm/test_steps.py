"""The commands end to end on a scripted model: files in, files out, the same bytes again, one line where it fails."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis.cli import app
from themis.errors import Problem
from themis.records import metadata, read, write


@pytest.fixture
def files(tmp_path, make_labelled, scripted, monkeypatch):
    """A folder with labelled pairs, and a model that likes pairs by their number."""

    def answer(request):
        if request.options == ("A", "B", "T"):
            return (0.5, 0.3, 0.2)
        if request.options:
            return (0.0, 0.0, 0.1, 0.0, 0.9) if "x = 1" in request.user else (0.9, 0.1, 0.0, 0.0, 0.0)
        return "Write it."

    monkeypatch.setattr("themis.llm.steps.generator_for", lambda *_, **__: scripted(answer))
    splits = ["train"] * 8 + ["benchmark"] * 4
    write(make_labelled(12, split=splits), tmp_path / "labelled.parquet", "labelled")
    return tmp_path


def themis(*arguments):
    app([str(argument) for argument in arguments], standalone_mode=False)


def run(folder):
    model = ("--model", folder / "model", "--name", "m", "--seed", 3)
    for shard in (0, 1):
        part = ("--shard", shard, "--shards", 2)
        themis("review", folder / "labelled.parquet", folder / f"r{shard}.parquet", *model, *part)
    themis("gather", folder / "r.parquet", "reviews", folder / "r1.parquet", folder / "r0.parquet")
    themis(
        "consensus", folder / "labelled.parquet", folder / "accepted.parquet", "--reviews", folder / "r0.parquet",
        "--reviews", folder / "r1.parquet", "--ledger", folder / "ledger.parquet", "--metrics", folder / "m.parquet",
    )  # fmt: skip
    themis("instruct", folder / "accepted.parquet", folder / "i.parquet", *model)
    themis("judge", folder / "accepted.parquet", folder / "i.parquet", folder / "j.parquet", *model)
    themis("judge-metrics", folder / "jm.parquet", "--judgements", folder / "j.parquet")


def test_the_commands_chain_and_account_for_every_row(files):
    run(files)
    joined = read(files / "r.parquet", "reviews")
    assert joined.num_rows == 12
    assert joined["id"].to_pylist() == sorted(joined["id"].to_pylist())
    accepted = read(files / "accepted.parquet", "labelled")
    assert all("x = 1" in text for text in accepted["new_contents"].to_pylist())  # numbers 1, 10 and 11
    assert accepted.num_rows == 3
    ledger = {row["scope"]: row for row in read(files / "ledger.parquet", "attrition").to_pylist()}
    assert (ledger["train"]["rows_in"], ledger["train"]["rows_kept"], ledger["train"]["rows_dropped"]) == (8, 1, 7)
    assert (ledger["benchmark"]["rows_in"], ledger["benchmark"]["rows_kept"]) == (4, 2)
    assert {row["stage"] for row in ledger.values()} == {"review"}
    assert read(files / "i.parquet", "instructions")["instruction"].to_pylist() == ["Write it."] * 3
    votes = read(files / "j.parquet", "judgements")
    assert votes.num_rows == 2
    assert set(metadata(files / "j.parquet")["inputs"].split('"')) >= {"accepted.parquet", "i.parquet"}
    assert read(files / "jm.parquet", "metrics").num_rows == 6


def test_a_second_run_gives_the_same_bytes(files):
    run(files)
    first = {file.name: file.read_bytes() for file in files.glob("*.parquet")}
    run(files)
    assert {file.name: file.read_bytes() for file in files.glob("*.parquet")} == first
    assert len(first) == 10


def test_nothing_to_do_is_an_empty_table(files, make_labelled):
    write(make_labelled(1, aspect=[None]), files / "labelled.parquet", "labelled")
    run(files)
    for name, schema in (("r", "reviews"), ("accepted", "labelled"), ("i", "instructions"), ("j", "judgements")):
        table = read(files / f"{name}.parquet", schema)
        assert isinstance(table, pa.Table)
        assert table.num_rows == 0


def test_a_folder_without_a_model_is_one_line(tmp_path, make_labelled):
    write(make_labelled(1), tmp_path / "labelled.parquet", "labelled")
    with pytest.raises(Problem, match="checkpoint folder"):
        themis("review", tmp_path / "labelled.parquet", tmp_path / "out.parquet", "--model", tmp_path, "--name", "m")
    assert not (tmp_path / "out.parquet").exists()
