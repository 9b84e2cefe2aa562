"""The commands end to end on a scripted model: files in, files out, the same bytes again, one line where it fails."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from themis.cli import app
from themis.errors import Problem
from themis.records import SCHEMAS, metadata, read, write


@pytest.fixture
def files(tmp_path, make_labelled, scripted, monkeypatch):
    """A folder with labelled pairs, and models that like pairs by their number, with how each was made."""

    def answer(request):
        if request.options == ("A", "B", "T"):
            return (0.5, 0.3, 0.2)
        if request.options:
            return (0.0, 0.0, 0.1, 0.0, 0.9) if "x = 1" in request.user else (0.9, 0.1, 0.0, 0.0, 0.0)
        return "Write it."

    made = []

    def generator_for(folder, **how):
        made.append((folder, how, scripted(answer)))
        return made[-1][-1]

    monkeypatch.setattr("themis.generation.backends.generator_for", generator_for)
    splits = ["train"] * 8 + ["benchmark"] * 4
    write(make_labelled(12, split=splits).sort_by("id"), tmp_path / "labelled.parquet", "labelled")
    return tmp_path, made


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
    themis("instruct", folder / "accepted.parquet", folder / "i.parquet", *model, "--sees", "new")
    themis("instruct-metrics", folder / "im.parquet", "--instructions", folder / "i.parquet")
    themis("judge", folder / "accepted.parquet", folder / "i.parquet", folder / "j.parquet", *model)
    themis(
        "decide", folder / "accepted.parquet", folder / "d.parquet", "--judgements", folder / "j.parquet",
        "--metrics", folder / "jm.parquet",
    )  # fmt: skip


def test_the_commands_chain_and_account_for_every_row(files):
    folder, _ = files
    run(folder)
    joined = read(folder / "r.parquet", "reviews")
    assert joined.num_rows == 12
    assert joined["id"].to_pylist() == sorted(joined["id"].to_pylist())
    accepted = read(folder / "accepted.parquet", "labelled")
    assert all("x = 1" in text for text in accepted["new_contents"].to_pylist())  # numbers 1, 10 and 11
    assert accepted["id"].to_pylist() == sorted(accepted["id"].to_pylist())
    assert accepted.num_rows == 3
    ledger = {row["scope"]: row for row in read(folder / "ledger.parquet", "attrition").to_pylist()}
    assert (ledger["train"]["rows_in"], ledger["train"]["rows_kept"], ledger["train"]["rows_dropped"]) == (8, 1, 7)
    assert (ledger["benchmark"]["rows_in"], ledger["benchmark"]["rows_kept"]) == (4, 2)
    assert {row["stage"] for row in ledger.values()} == {"review"}
    assert read(folder / "i.parquet", "instructions")["instruction"].to_pylist() == ["Write it."] * 3
    votes = read(folder / "j.parquet", "judgements")
    assert votes.num_rows == 2
    assert set(metadata(folder / "j.parquet")["inputs"].split('"')) >= {"accepted.parquet", "i.parquet"}
    (decision,) = read(folder / "d.parquet", "decisions").to_pylist()
    assert (decision["id"], decision["decision"], decision["votes_chosen"]) == (votes["id"][0].as_py(), "tie", 1)
    stages = {name: set(read(folder / f"{name}.parquet", "metrics")["stage"].to_pylist()) for name in ("m", "im", "jm")}
    assert stages == {"m": {"review"}, "im": {"instruct"}, "jm": {"judge"}}
    yields = {
        row["metric"]: row["value"]
        for row in read(folder / "m.parquet", "metrics").to_pylist()
        if row["subject"] == "Python"
    }
    assert (yields["pairs"], yields["rated"], yields["kept"]) == (12, 12, 3)


def test_a_second_run_gives_the_same_bytes(files):
    folder, _ = files
    run(folder)
    first = {file.name: file.read_bytes() for file in folder.glob("*.parquet")}
    run(folder)
    assert {file.name: file.read_bytes() for file in folder.glob("*.parquet")} == first
    assert len(first) == 12


def test_nothing_to_do_is_an_empty_table(files, make_labelled):
    folder, _ = files
    write(make_labelled(1, aspect=[None]), folder / "labelled.parquet", "labelled")
    run(folder)
    tables = {"r": "reviews", "accepted": "labelled", "i": "instructions", "j": "judgements", "d": "decisions"}
    for name, schema in tables.items():
        table = read(folder / f"{name}.parquet", schema)
        assert isinstance(table, pa.Table)
        assert table.num_rows == 0


def test_a_command_says_how_its_model_runs_and_the_instructions_may_be_shown_to_the_reviewer(files, make_labelled):
    folder, made = files
    run(folder)
    settings = json.dumps({"model": "large", "base_url": "http://127.0.0.1:1/v1"})
    themis(
        "review", folder / "labelled.parquet", folder / "again.parquet", "--name", "m", "--backend", "openai",
        "--settings", settings, "--instructions", folder / "i.parquet", "--cache", folder / "c.jsonl",
    )  # fmt: skip
    assert made[0][:2] == (
        folder / "model",
        {
            "backend": "transformers",
            "settings": None,
            "dtype": "float32",
            "threads": 1,
            "batch_tokens": 2048,
            "cache": None,
        },
    )
    asked, how, generator = made[-1]
    assert (asked, how["backend"], how["settings"], how["cache"]) == (None, "openai", settings, folder / "c.jsonl")
    assert read(folder / "again.parquet", "reviews").num_rows == 12
    shown = {request.key.split("/")[0] for request in generator.asked if "Write it." in request.user}
    assert shown == set(read(folder / "accepted.parquet", "labelled")["id"].to_pylist())
    assert "i.parquet" in metadata(folder / "again.parquet")["inputs"]


def test_recovered_problems_and_their_numbers(files):
    folder, _ = files
    rows = [
        {"idx": str(n), "input": text, "chosen": "print(1)", "rejected": "print()", "language": "Python", "aspect": "x",
         "source": "s"} for n, text in enumerate(["Print one.", None])
    ]  # fmt: skip
    write(pa.Table.from_pylist(rows, schema=SCHEMAS["collection"]), folder / "tiny.parquet", "collection")
    for shard in (0, 1):
        themis(
            "recover", folder / "tiny.parquet", folder / f"out{shard}.parquet", "--model", folder / "model",
            "--metrics", folder / f"m{shard}.parquet", "--shard", shard, "--shards", 2,
        )  # fmt: skip
    themis("gather", folder / "out.parquet", "collection", folder / "out0.parquet", folder / "out1.parquet")
    assert read(folder / "out.parquet", "collection")["input"].to_pylist() == ["Print one.", None]
    numbers = [row for n in (0, 1) for row in read(folder / f"m{n}.parquet", "metrics").to_pylist()]
    assert sum(row["value"] for row in numbers if row["metric"] == "pairs") == 2
    assert {row["subject"] for row in numbers} == {"tiny"}


def test_a_folder_without_a_model_is_one_line(tmp_path, make_labelled):
    write(make_labelled(1), tmp_path / "labelled.parquet", "labelled")
    with pytest.raises(Problem, match="checkpoint folder"):
        themis("review", tmp_path / "labelled.parquet", tmp_path / "out.parquet", "--model", tmp_path, "--name", "m")
    assert not (tmp_path / "out.parquet").exists()
