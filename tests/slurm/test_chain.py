"""The whole chain on a SLURM cluster by its profile, while a job is cancelled, the controller dies, a time limit is
reached and a node fails: what comes out is what one machine makes."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.chain_study import STUDY, Workspace, digests
from tests.slurm import faults
from tests.slurm.cluster import going_first, until
from themis import records

pytestmark = pytest.mark.slurm

TARGET = "results/crb.parquet"
# What follows from the trained weights is the same to a tolerance, as sums are put together in another order.
TRAINED = ("metrics/themis-test.", "scores/crb_test/themis-test.", "scores/shards", "crb.parquet")
# Of the profile, only how often it looks is changed.
OFTEN = (
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
    *("--latency-wait", "10"),
)


@dataclass(frozen=True)
class Both:
    """The finished runs: on one machine, and on the cluster, with what that said and the jobs that were hit."""

    alone: Path
    cluster: Path
    said: str
    hit: dict[str, str]


@pytest.fixture(scope="module")
def both(cluster, root, tiny_language_model, tmp_path_factory) -> Iterator[Both]:
    """The same study run on one machine and on the cluster at a time."""
    folder = tmp_path_factory.mktemp("both")
    study = _study(tiny_language_model)
    alone = Workspace.make(folder / "alone/themis", study, variables=_srun_of_one_machine(folder))
    variables = {**cluster.environment, "XDG_CONFIG_HOME": str(folder / "settings")}
    subprocess.run(["make", "profiles"], cwd=root, env=variables, check=True)
    there = Workspace.make(folder / "cluster/themis", study, "slurm", OFTEN, variables=variables)
    with _started(alone) as first, going_first(), _started(there) as second:
        run = faults.Run(cluster, there.folder, second)
        hit = {
            "cancelled": faults.cancel(run, "retrieve"),
            "controller": faults.lose_the_controller(run, "train_aspects"),
            "time": faults.use_up_the_time(run, "pretraining"),
            "node": faults.take_a_node_down(run, "preference"),
        }
        for workspace, snakemake in ((there, second), (alone, first)):
            until(lambda of=snakemake: of.poll() is not None, f"{workspace.folder} does not end", 900)
            said = (workspace.folder / "said").read_text()
            assert snakemake.returncode == 0, said[-6000:]
    yield Both(alone.folder, there.folder, (there.folder / "said").read_text(), hit)


def test_every_table_that_does_not_follow_from_training_has_the_bytes_of_one_machine(both):
    ours, theirs = (_tables(folder) for folder in (both.cluster, both.alone))
    assert ours == theirs
    assert len(ours) > 20


def test_training_on_two_nodes_and_what_follows_from_it_is_that_of_one_machine(both):
    for stage in ("pretraining", "preference"):
        weights = f"results/models/themis-test/{stage}/export/model.safetensors"
        ours, theirs = (load_file(folder / weights) for folder in (both.cluster, both.alone))
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours, theirs = (records.read(folder / TARGET, "scores").to_pylist() for folder in (both.cluster, both.alone))
    assert [_named(row) for row in ours] == [_named(row) for row in theirs]
    for name in ("chosen_score", "rejected_score"):
        assert [row[name] for row in ours] == pytest.approx([row[name] for row in theirs], rel=1e-5, abs=1e-5)


def test_a_cancelled_job_is_submitted_again(both):
    assert f"SLURM-job '{both.hit['cancelled']}' failed, SLURM status is: 'CANCELLED'" in both.said


def test_a_job_outlives_the_controller(both, cluster):
    assert cluster.say(
        "squeue", "--noheader", "--states", "all", "--job", both.hit["controller"], "--format", "%T"
    ) == ("COMPLETED\n")


def test_a_training_whose_time_is_up_saves_itself_and_a_new_job_goes_on_from_there(both):
    assert f"SLURM-job '{both.hit['time']}' failed, SLURM status is: 'FAILED'" in both.said
    step = re.search(r"pretraining: was asked to stop and has saved itself after step (\d+)", both.said).group(1)
    log = (both.cluster / "results/logs/train.themis-test.pretraining.log").read_text()
    assert f"pretraining: goes on from step {step}\n" in log


def test_a_training_whose_node_fails_is_queued_again_and_goes_on_from_its_checkpoint(both, cluster):
    job = cluster.say("scontrol", "show", "job", both.hit["node"])
    assert "JobState=COMPLETED" in job
    assert "Restarts=1" in job
    log = (both.cluster / "results/logs/train.themis-test.preference.log").read_text()
    assert re.search(r"preference: goes on from step [1-9]", log)
    assert "over 2 processes" in log


def test_shards_are_jobs_and_gathering_is_none(both):
    assert re.search(r"Submitted array job .* The individual task IDs are 1-2", both.said)
    assert both.said.count("\nlocalrule gather_score_shards:") == 2
    assert both.said.count("\nrule score:") == 4


def _study(language_model: Path) -> dict:
    """The small study, with jobs enough, and a stage on two nodes."""
    study = copy.deepcopy(STUDY)
    study["language_models"] = {"tiny": {"path": str(language_model)}}
    study["train"]["processes"] = 1
    for stage, nodes in zip(study["train"]["stages"], (1, 2), strict=True):
        stage |= {"nodes": nodes, "epochs": 4}
    study["score"]["shards"] = 2
    for stage in ("review", "instruct", "judge", "bugs"):
        study[stage] = {**study.get(stage, {}), "shards": 1}
    study["score"]["models"] = [line for line in study["score"]["models"] if line["name"] in ("themis-test", "length")]
    return study


def _srun_of_one_machine(folder: Path) -> dict[str, str]:
    """An environment in which `srun` starts the two processes of the second stage here."""
    srun = folder / "programs/srun"
    srun.parent.mkdir()
    srun.write_text(
        "#!/bin/sh\n"
        "while :; do case $1 in --*=*) shift ;; --*) shift 2 ;; *) break ;; esac; done\n"
        'exec torchrun --standalone --nproc-per-node 2 --no-python "$@"\n'
    )
    srun.chmod(0o755)
    return {"PATH": os.pathsep.join([str(srun.parent), os.environ["PATH"]])}


@contextmanager
def _started(workspace: Workspace) -> Iterator[subprocess.Popen]:
    """Snakemake, making the headline table; ended if it still runs when the block is left."""
    with (workspace.folder / "said").open("w") as said, workspace.going(TARGET, said=said) as snakemake:
        yield snakemake


def _tables(folder: Path) -> dict[str, str]:
    """Digest of every table of a run that does not follow from training, by its place."""
    return {name: digest for name, digest in digests(folder).items() if not name.startswith(TRAINED)}


def _named(row: dict) -> dict:
    """A row of scores without the scores."""
    return {name: value for name, value in row.items() if not name.endswith("_score")}
