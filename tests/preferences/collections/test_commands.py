"""The command of a public source: table, ledger and metrics written, and what is wrong said in one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from themis import records
from themis.cli import app


@pytest.fixture
def arguments(tmp_path):
    """The command on a source of two rows."""
    rows = [{"question": f"q{at}", "system": "", "chosen": "good", "rejected": "bad"} for at in range(2)]
    (tmp_path / "my rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [
        "collect", "truthy_dpo", str(tmp_path / "out.parquet"), "--path", str(tmp_path / "my rows.jsonl"), "--seed", "7",
        "--ledger", str(tmp_path / "ledger.parquet"), "--metrics", str(tmp_path / "metrics.parquet"),
    ]  # fmt: skip


def test_the_command_writes_all_three_tables_the_same_every_time(arguments, tmp_path):
    def run():
        done = CliRunner().invoke(app, [*arguments, "--column", "prompt=question"], catch_exceptions=False)
        assert done.exit_code == 0
        return [(tmp_path / f"{name}.parquet").read_bytes() for name in ("out", "ledger", "metrics")]

    assert run() == run()
    rows = records.read(tmp_path / "out.parquet", "collection").to_pylist()
    assert sorted(row["input"] for row in rows) == ["q0", "q1"]
    assert records.read(tmp_path / "ledger.parquet", "attrition").num_rows == 1
    metrics = records.read(tmp_path / "metrics.parquet", "metrics").to_pylist()
    assert {row["metric"]: row["value"] for row in metrics}["expected_rows"] == 1016


def test_a_column_that_is_missing_ends_in_one_line(arguments, tmp_path):
    done = subprocess.run([Path(sys.executable).parent / "themis", *arguments], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if line.startswith("themis: ")]
    assert done.returncode == 1
    assert said == [
        f"themis: {tmp_path / 'my rows.jsonl'}: line 1: no column prompt; it has question, system, chosen, rejected"
    ]
    assert not (tmp_path / "out.parquet").exists()
