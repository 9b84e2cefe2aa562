"""A machine that lacks something - disk, memory, network, Python - gets one line that says what to do, and no half file."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from themis import chance, records
from themis.errors import Problem

ROWS = 20_000
THEMIS = [sys.executable, "-c", "from themis.cli import main; main()"]
# That waits hardly at all before it asks again.
IMPATIENT = [sys.executable, "-c", "from themis.repositories import network as n; n._MOST_WAIT_S = 0.01; " + THEMIS[-1]]
# What a command does in a file system of its own, of 1 MB, which is gone afterwards: `unshare` gives it.
IN_TMPFS = """
set -e
mkdir -p out
mount -t tmpfs -o size=1m none out
cp small.parquet out/gathered.parquet
$REMOUNT
set +e
"$@" 2> said; code=$?
cp out/gathered.parquet left.parquet
ls -A out > listed
exit $code
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A small table, and one that does not go into a megabyte, of the same schema."""
    folder = tmp_path_factory.mktemp("made")
    for name, rows in (("small", 1), ("large", ROWS)):
        texts = [f"{chance.digest(1, name, str(i)):x}" * 12 for i in range(rows)]
        columns = dict.fromkeys(("prompt", "chosen", "rejected", "aspect", "language", "subset"), texts)
        table = pa.table({"id": [f"{i:032x}" for i in range(rows)], **columns})
        records.write(table, folder / f"{name}.parquet", "benchmark")
    assert (folder / "large.parquet").stat().st_size > 1 << 20
    return folder


@pytest.fixture
def here(made, tmp_path) -> Path:
    for path in made.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path


def one_line(said: str) -> str:
    """The last line of what a command said, which must be of themis and hold no trace."""
    assert "Traceback" not in said
    lines = said.strip().splitlines()
    assert lines[-1].startswith("themis: "), said
    assert sum(line.startswith("themis: ") for line in lines) == 1
    return lines[-1]


@pytest.fixture(scope="module")
def apart() -> list[str]:
    """A command in front of another, which may then mount what nobody else sees."""
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*apart, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here, not even by a user of one's own")
    return apart


@pytest.mark.parametrize(
    ("remount", "says"),
    [("true", "the disk is full; free some"), ("mount -o remount,ro out", "the disk may only be read")],
)
def test_a_disk_that_takes_no_more_keeps_the_old_table(here, apart, remount, says):
    gather = [*THEMIS, "gather", "out/gathered.parquet", "benchmark", "large.parquet"]
    script = IN_TMPFS.replace("$REMOUNT", remount)
    done = subprocess.run([*apart, "bash", "-c", script, "bash", *gather], cwd=here, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    said = one_line((here / "said").read_text())
    assert says in said and "out/gathered.parquet" in said
    assert (here / "listed").read_text().split() == ["gathered.parquet"]
    assert (here / "left.parquet").read_bytes() == (here / "small.parquet").read_bytes()


def test_a_file_larger_than_the_user_may_write_is_named(here):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))

    done = subprocess.run(
        [*THEMIS, "gather", "out/gathered.parquet", "benchmark", "large.parquet"],
        cwd=here, preexec_fn=limit, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a file may not be larger here" in one_line(done.stderr)
    assert list((here / "out").iterdir()) == []


def test_a_table_that_the_disk_refuses_is_a_problem_and_not_a_trace(tmp_path, monkeypatch):
    from themis.records import tables

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables.tempfile, "mkstemp", full)
    with pytest.raises(Problem, match=r"t\.parquet: the disk is full"):
        records.write(records.SCHEMAS["benchmark"].empty_table(), tmp_path / "t.parquet", "benchmark")


def test_too_little_memory_is_said_in_one_line(monkeypatch, capsys):
    from themis import cli

    def hungry() -> None:
        raise MemoryError

    monkeypatch.setattr(cli, "app", hungry)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert "not enough memory" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare-model", "out/model", "--hub", "someone/model"),
        ("fetch-runs", f"http://127.0.0.1:9/runs.zip#sha256={'0' * 64}", "out/runs"),
        ("tables", "out/tables", "--clones", "out/clones", "--repository", "https://127.0.0.1:9/owner/name.git"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_a_network_a_command_says_what_it_could_not_reach(here, arguments):
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "HF_HUB_OFFLINE": "0", "no_proxy": "", "HF_HOME": str(here / "hub")}
    done = subprocess.run([*IMPATIENT, *arguments], cwd=here, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    said = one_line(done.stderr)
    assert "someone/model" in said or "127.0.0.1:9" in said
    assert not list((here / "out").rglob("*.parquet"))


def test_an_old_python_is_refused_before_anything_is_installed(root, tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "envs"):
        (tmp_path / name).symlink_to(root / name)
    done = subprocess.run(["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "themis needs Python 3.11 to 3.13 on Linux for x86-64; name one with PYTHON=..." in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("setting", "says"),
    [({"free_disk_gb": 1e9}, "machine.free_disk_gb"), ({"free_memory_gb": 1e9}, "machine.free_memory_gb")],
)
def test_a_machine_that_is_too_small_stops_the_run_before_its_first_job(root, tmp_path, setting, says):
    assert says in _refused_run(root, tmp_path, ["--config", f"machine={json.dumps(setting)}"])
    assert not (tmp_path / "results/demo").exists()


def test_a_results_folder_that_may_only_be_read_stops_the_run_before_its_first_job(root, apart, tmp_path):
    (tmp_path / "results").mkdir()
    mounted = (*apart, "sh", "-c", 'mount -t tmpfs -o ro none results && exec "$@"', "sh")
    line = _refused_run(root, tmp_path, [], mounted)
    assert line.startswith(
        "themis: results: the disk may only be read; mount it to be written to, or put results/ elsewhere;"
    )


def _refused_run(root: Path, folder: Path, options: list[str], before: tuple[str, ...] = ()) -> str:
    """The line with which a run of the workflow ends at its start."""
    for name in ("Snakefile", "rules", "profiles", "notebooks"):
        (folder / name).symlink_to(root / name)
    target = "results/demo/demo.parquet"
    snakemake = [sys.executable, "-m", "snakemake", target, "--profile", "profiles/local", "--cores", "1", *options]
    done = subprocess.run([*before, *snakemake], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("themis: ")]
    return line
