"""A stage on two nodes of a real SLURM cluster, started by srun."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from themis import records
from themis.train.slurm import first_host
from themis.train.train import train

pytestmark = pytest.mark.slurm


def test_two_nodes_learn_what_one_process_does(cluster, root, tmp_path, make_base, make_preferences, make_options):
    inputs = make_preferences(tmp_path / "code.parquet", 9), make_base(tmp_path / "base")
    alone, nodes = (
        make_options(tmp_path / name, *inputs, learning_rate=2e-3, nodes=number)
        for name, number in (("alone", 1), ("nodes", 2))
    )
    assert train(alone)
    (tmp_path / "options.json").write_text(nodes.to_json())
    command = [sys.executable, "-m", "tests.train.processes", tmp_path / "options.json"]
    done = subprocess.run(
        ["srun", "--nodes", "2", "--ntasks-per-node", "1", "--kill-on-bad-exit=1", "--label", *command],
        cwd=root,
        env=cluster.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "0: FSDP2: 3 blocks over 2 processes (2 shards)" in done.stderr
    ours, theirs = (load_file(options.export / "model.safetensors") for options in (nodes, alone))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    ours, theirs = (records.read(options.metrics, "metrics")["value"].to_pylist() for options in (nodes, alone))
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "nodes", ["vm", "b,a", "gpu[07-09,12],login", "n[2,5-7],m[1-3]", "rack1-node[003-010]", "a-b[1]"]
)
def test_the_first_host_is_the_one_slurm_names(cluster, nodes):
    said = subprocess.run(
        ["scontrol", "show", "hostnames", nodes], env=cluster.environment, capture_output=True, text=True, check=True
    )
    assert first_host(nodes) == said.stdout.split()[0]
