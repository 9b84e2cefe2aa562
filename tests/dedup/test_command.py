"""The command writes what the study asked for: the same bytes every time, and no benchmark twin left in training."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.dedup.tables import write_retrieved
from themis import records
from themis.cli import app


def shingles(text: str, n: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


@pytest.fixture
def retrieved(tmp_path: Path) -> Path:
    """Sixty families of commits, each with 0 to 12 of 80 words replaced, spread over both splits."""
    draw = random.Random(11)
    rows = []
    for i in range(240):
        family = random.Random(i % 60)
        words = [f"w{family.randrange(400)}" for _ in range(80)]
        for place in draw.sample(range(80), draw.randrange(13)):
            words[place] = f"x{draw.randrange(10**9)}"
        split = ("train", "benchmark")[draw.random() < 0.3]
        rows.append((f"{draw.getrandbits(128):032x}", split, "C", " ".join(words[:40]), " ".join(words[40:])))
    return write_retrieved(sorted(rows), tmp_path / "retrieved.parquet")


def run(retrieved: Path, name: str, *options: str) -> tuple[bytes, bytes]:
    out, ledger = retrieved.with_name(f"{name}.parquet"), retrieved.with_name(f"{name}_ledger.parquet")
    result = CliRunner().invoke(
        app, ["deduplicate", str(retrieved), str(out), "--ledger", str(ledger), "--shingle", "3", *options]
    )
    assert result.exit_code == 0, result.output
    return out.read_bytes(), ledger.read_bytes()


def test_nothing_like_a_benchmark_commit_stays_in_training(retrieved: Path) -> None:
    run(retrieved, "out", "--threshold", "0.6")
    rows = records.read(retrieved.with_name("out.parquet"), "deduplicated").to_pylist()
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    texts = {row["id"]: shingles(f"{row['old_contents']}\n{row['new_contents']}", 3) for row in rows}
    kept = [row for row in rows if row["kept"]]
    assert 60 <= len(kept) < 200
    similar = [
        len(texts[a["id"]] & texts[b["id"]]) / len(texts[a["id"]] | texts[b["id"]])
        for a in rows
        if a["split"] == "benchmark"
        for b in kept
        if b["split"] == "train"
    ]
    assert max(similar) < 0.7  # 0.1 above the threshold the bands miss fewer than one pair in a thousand
    assert sum(value >= 0.6 for value in similar) <= 3  # at it they may miss one in twenty
    by_id = {row["id"]: row for row in rows}
    assert all(by_id[row["cluster_id"]]["kept"] for row in rows)
    ledger = records.read(retrieved.with_name("out_ledger.parquet"), "attrition").to_pylist()
    assert sum(row["rows_in"] for row in ledger) == 240
    assert sum(row["rows_kept"] for row in ledger) == len(kept)


@pytest.mark.parametrize("options", [(), ("--compatibility", "published"), ("--no-verify", "--column", "diff")])
def test_two_runs_and_any_threads_write_the_same_bytes(retrieved: Path, options: tuple[str, ...]) -> None:
    first = run(retrieved, "one", *options)
    assert run(retrieved, "two", "--threads", "3", *options) == first
    assert records.metadata(retrieved.with_name("one.parquet"))["inputs"].startswith('{"retrieved.parquet"')


def test_batches_do_not_change_the_bytes(retrieved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(retrieved, "one")
    monkeypatch.setattr("themis.dedup.deduplicate._BATCH_BYTES", 2000)  # a few rows
    assert run(retrieved, "two") == first


@pytest.mark.parametrize("where", ["_similar", "_join_buckets"])
def test_what_a_killed_run_left_does_no_harm(retrieved: Path, where: str) -> None:
    """The run is killed as it begins a step, with all its files on disk and nothing cleaned up."""
    expected = run(retrieved, "whole")
    program = f"""
        import os, signal, sys
        import themis.similarity.clustering as clustering
        clustering.{where} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        from themis.cli import main
        main()
    """
    out, ledger = retrieved.with_name("killed.parquet"), retrieved.with_name("killed_ledger.parquet")
    command = ["deduplicate", str(retrieved), str(out), "--ledger", str(ledger), "--shingle", "3"]
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *command],
        check=False,
        capture_output=True,
        env=dict(os.environ),
    )
    assert killed.returncode == -signal.SIGKILL
    left = [path.name for path in retrieved.parent.iterdir() if path.name.startswith(".killed")]
    assert left == [".killed.parquet.scratch"] and not out.exists()
    assert run(retrieved, "killed") == expected
    assert not any(path.name.startswith(".") for path in retrieved.parent.iterdir())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(("--engine", "sha"), "'sha' is not one of"), (("--column", "neu"), "neu")],
)
def test_an_unknown_choice_is_refused(retrieved: Path, options: tuple[str, ...], complaint: str) -> None:
    result = CliRunner().invoke(
        app, ["deduplicate", str(retrieved), str(retrieved.with_name("o")), "--ledger", "l", *options]
    )
    assert result.exit_code != 0
    assert complaint in str(result.exception) + result.output
