"""The command writes what the study asked for: the same bytes every time, and no benchmark twin left in training."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

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
        rows.append(
            {
                "id": f"{draw.getrandbits(128):032x}", "commit": str(i), "repository": "o/n", "repositories": ["o/n"],
                "license": "mit", "path": "a.c", "old_mode": 0o100644, "new_mode": 0o100644, "old_blob": f"{i}a", "new_blob": f"{i}b", "subject": "s",
                "message": "m", "committed_at": 0, "language": "C", "split": ("train", "benchmark")[draw.random() < 0.3],
                "old_contents": " ".join(words[:40]), "new_contents": " ".join(words[40:]), "encoding": "utf-8",
            }
        )  # fmt: skip
    path = tmp_path / "retrieved.parquet"
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["retrieved"]), path, "retrieved")
    return path


def run(retrieved: Path, name: str, *options: str) -> tuple[bytes, bytes]:
    out, ledger = retrieved.with_name(f"{name}.parquet"), retrieved.with_name(f"{name}_ledger.parquet")
    result = CliRunner().invoke(
        app, ["deduplicate", str(retrieved), str(out), "--ledger", str(ledger), "--shingle", "3", *options]
    )
    assert result.exit_code == 0, result.output
    return out.read_bytes(), ledger.read_bytes()


def test_nothing_like_a_benchmark_commit_stays_in_training(retrieved: Path) -> None:
    run(retrieved, "out", "--threshold", "0.6")
    table = records.read(retrieved.with_name("out.parquet"), "deduplicated")
    assert table["id"].to_pylist() == sorted(table["id"].to_pylist())
    rows = table.to_pylist()
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


def test_two_runs_and_any_threads_write_the_same_bytes(retrieved: Path) -> None:
    first = run(retrieved, "one")
    assert run(retrieved, "two", "--threads", "3") == first
    assert records.metadata(retrieved.with_name("one.parquet"))["inputs"].startswith('{"retrieved.parquet"')


def test_an_unknown_engine_is_one_sentence(retrieved: Path) -> None:
    result = CliRunner().invoke(
        app, ["deduplicate", str(retrieved), str(retrieved.with_name("o")), "--ledger", "l", "--engine", "sha"]
    )
    assert result.exit_code != 0
    assert "sha is not rensa or datasketch" in str(result.exception)
