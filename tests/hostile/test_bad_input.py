"""Bad input gets one clear line and a non-zero exit: no trace, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CORRUPT = "corrupt.parquet"


def themis(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the kit as a user would."""
    return subprocess.run(
        [sys.executable, "-c", "from themis.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a file that only claims to be Parquet, a repository without commits, and a plain folder."""
    (tmp_path / CORRUPT).write_bytes(b"PAR1" + b"\x00" * 64 + b"PAR1")
    (tmp_path / "plain").mkdir()
    subprocess.run(["git", "init", "--quiet", "owner/empty"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tables", "out", "--clones", "clones", "--repository", "plain"), "plain"),
        (("tables", "out", "--clones", "clones", "--repository", "nowhere"), "nowhere"),
        (("tables", "out", "--clones", "clones", "--repository", "owner/empty"), "empty"),
        (("deduplicate", CORRUPT, "out/d.parquet", "--ledger", "out/l.parquet"), CORRUPT),
        (("deduplicate", "absent.parquet", "out/d.parquet", "--ledger", "out/l.parquet"), "absent.parquet"),
        (("prepare-model", "out/model", "--path", "nowhere"), "nowhere"),
        (("prepare-model", "out/model", "--package", "no_such_package", "--file", "x.gguf"), "no_such_package"),
        (
            (
                "score",
                CORRUPT,
                "out/s.parquet",
                "--name",
                "m",
                "--family",
                "length",
                "--ledger",
                "out/l.parquet",
                "--cache",
                "out/c.jsonl",
            ),
            CORRUPT,
        ),
        (("gather", "out/g.parquet", "retrieved", CORRUPT), CORRUPT),
        (("gather-attrition", CORRUPT, "--out", "out/a.parquet"), CORRUPT),
        (("gather-scores", "out/crb.parquet", CORRUPT), CORRUPT),
        (("summary", CORRUPT, "--report", "report.html"), CORRUPT),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, tuple) else "",
)
def test_one_line_and_nothing_written(here, arguments, says):
    done = themis(*arguments, cwd=here)
    lines = done.stderr.strip().splitlines()
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr + done.stdout
    assert lines[-1].startswith("themis: "), done.stderr
    assert says in lines[-1]
    assert not [path for path in (here / "out").rglob("*") if path.is_file()] if (here / "out").exists() else True


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("dedup={treshold: 0.5}", "dedup.treshold: no such key; did you mean threshold?"),
        ("seed=many", "seed: 'many'"),
        ("published_runs=nowhere", "published_runs: nowhere: no such folder"),
    ],
)
def test_a_wrong_setting_stops_the_workflow_before_it_starts(root, here, setting, says):
    for name in ("Snakefile", "rules", "profiles"):
        (here / name).symlink_to(root / name)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--config", setting, "-n"],
        cwd=here,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert f"themis: study.yaml: {says}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (here / "results").exists()
