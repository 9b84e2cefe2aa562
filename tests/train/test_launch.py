"""How a process learns which one of several it is, and tells what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from themis.errors import Problem
from themis.train import launch as launcher
from themis.train import train as stage
from themis.train import worker
from themis.train.launch import launch
from themis.train.parallel import Agreed
from themis.train.slurm import place

# What a task of `srun --nodes 2 --ntasks-per-node 2` sees within a batch job, and what the batch script itself sees.
_SCRIPT = {
    "SLURM_JOB_ID": "7412",
    "SLURM_PROCID": "0",
    "SLURM_NTASKS": "4",
    "SLURM_LOCALID": "0",
    "SLURM_JOB_NODELIST": "n[1-2]",
}
_TASK = {**_SCRIPT, "SLURM_PROCID": "3", "SLURM_LOCALID": "1"} | {
    "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NODELIST": "n[1-2]",
}  # fmt: skip


def test_a_task_of_srun_knows_its_place():
    found = place(_TASK)
    assert {found["RANK"], found["WORLD_SIZE"], found["LOCAL_RANK"], found["MASTER_ADDR"]} == {"3", "4", "1", "n1"}
    assert 1024 < int(found["MASTER_PORT"]) < 32768
    other = place({**_TASK, "SLURM_PROCID": "0", "SLURM_LOCALID": "0"})
    assert {name for name in found if found[name] != other[name]} == {"RANK", "LOCAL_RANK"}
    assert place({**_TASK, "SLURM_STEP_ID": "1"})["MASTER_PORT"] != found["MASTER_PORT"]
    assert place({**_TASK, "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "999"}).items() >= {
        ("MASTER_ADDR", "10.0.0.1"),
        ("MASTER_PORT", "999"),
    }


@pytest.mark.parametrize("environment", [{}, _SCRIPT, {**_TASK, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}])
def test_a_process_that_srun_started_alone_or_not_at_all_has_none(environment):
    assert place(environment) == {}


def test_several_machines_have_to_be_started(make_options, monkeypatch):
    for name in ("RANK", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Problem, match="srun --nodes 3 --ntasks-per-node 2"):
        launch(make_options(Path("x"), Path("y"), Path("z"), nodes=3, processes=2))


@pytest.mark.parametrize("rank, shared, told", [("0", True, True), ("1", True, False), ("1", False, True)])
def test_a_worker_leaves_what_went_wrong_for_the_launcher(tmp_path, make_options, monkeypatch, rank, shared, told):
    def fail(options, stop_file):
        raise (Agreed if shared else Problem)("no such thing")

    options = make_options(tmp_path, tmp_path / "pairs.parquet", tmp_path / "base", processes=2)
    (tmp_path / launcher.OPTIONS).write_text(options.to_json())
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(stage, "train", fail)
    monkeypatch.setattr(worker, "_end_with_launcher", lambda lock: None)
    if shared:
        worker.main(tmp_path)
    else:
        with pytest.raises(SystemExit):
            worker.main(tmp_path)
    left = tmp_path / launcher.PROBLEM
    assert left.exists() is told and (not told or left.read_text() == "no such thing")
