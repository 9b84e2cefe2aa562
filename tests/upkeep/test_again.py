"""The first line of a log is the user's call for that step alone, whatever stands in it."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from themis.upkeep.again import again, writer


@pytest.mark.parametrize(
    ("called", "said"),
    [
        ("results/crb.parquet results/report.html --profile profiles/local", "--profile profiles/local"),
        ("--profile=slurm paper --jobs 20 --keep-going", "--profile slurm --jobs 20"),
        ("-c 4 --configfile my.yaml -n", "--cores 4 --configfile my.yaml"),
        ("x -C seed=5 'dedup={threshold: 0.5}' --cores", "--cores all --config seed=5 'dedup={threshold: 0.5}'"),
        ("--config repositories=[https://me:secret@host/a.git]", "--config 'repositories=[https://LOGIN@host/a.git]'"),
        ("", ""),
    ],
)
def test_what_a_step_depends_on_is_kept(called, said):
    assert again(shlex.split(called)) == " ".join(["snakemake", *([said] if said else []), "--force"])


@pytest.mark.parametrize("word", ["it's", 'say "x"', "$HOME `id` %s \\n", "{braces}"])
def test_the_line_comes_first_and_the_output_after_it(tmp_path, word):
    call = ["--config", f"a={word}"]
    shell = f"set -euo pipefail; {writer(call)} echo out 2>&1 | tee run.log"
    for _ in range(2):  # a log is of the last try
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "out\n"
    assert (tmp_path / "run.log").read_text() == f"# again: {again(call)} run.log\nout\n"


def test_a_step_that_fails_fails_still(tmp_path):
    shell = f"set -euo pipefail; {writer([])} (echo sorry; exit 3) 2>&1 | tee run.log"
    assert subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True).returncode == 3
    assert (tmp_path / "run.log").read_text().splitlines()[-1] == "sorry"
