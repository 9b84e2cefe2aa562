"""A run that is killed again and again, wherever it is, ends in the bytes of one that never was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.train.processes import STOPPED, before_step, die, together
from themis.train import checkpoint

_STEPS = 24  # three a pass
_MOMENTS = ("a step", "a tensor", "the rename", "the removal")  # the last three are of a save, after every second step


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, make_base, make_preferences):
    """Nine pairs, in steps of 4, 4 and 1, and a base."""
    folder = tmp_path_factory.mktemp("inputs")
    return make_preferences(folder / "code.parquet", 9), make_base(folder / "base")


@pytest.mark.parametrize("processes, kills", [(1, 16), (2, 4)])
def test_killed_again_and_again(inputs, make_options, tmp_path, processes, kills):
    options = make_options(tmp_path / "killed", *inputs, epochs=_STEPS // 3, processes=processes)
    draw = random.Random(processes)
    for step in sorted(draw.sample(range(1, _STEPS), kills)):
        rank, moment = draw.randrange(processes), draw.choice(_MOMENTS[: 1 if step % 2 else None])
        ended = together(options, partial(_die_in, moment, rank, step))
        assert -signal.SIGKILL in ended and not {0, STOPPED} & set(ended), f"{moment} of step {step}: {ended}"
    assert together(options) == [0] * processes
    _assert_as_never_killed(
        options, make_options(tmp_path / "straight", *inputs, epochs=_STEPS // 3, processes=processes)
    )


def test_a_worker_and_the_launcher_killed(inputs, make_options, tmp_path, root):
    options = make_options(tmp_path / "killed", *inputs, processes=2)
    failed = _launch(options, "worker", root)
    assert failed.returncode == 1
    assert "preference: a training process failed" in failed.stderr
    # Its workers hold the same pipes: that this returns says that they ended too.
    assert _launch(options, "launcher", root).returncode == -signal.SIGKILL
    assert (options.checkpoints / ".step-4.part").exists()
    assert together(options) == [0, 0]
    _assert_as_never_killed(options, make_options(tmp_path / "straight", *inputs, processes=2))


def _assert_as_never_killed(options, straight):
    assert together(straight) == [0] * straight.processes
    ours, theirs = (
        {path.relative_to(run.export): path.read_bytes() for path in run.export.rglob("*") if path.is_file()}
        | {name: getattr(run, name).read_bytes() for name in ("metrics", "ledger")}
        for run in (options, straight)
    )
    assert ours == theirs


def _die_in(moment: str, rank: int, step: int, this: int) -> None:
    """Make one process of a group die in a moment of a step: `rank`, or the first, which alone writes what is saved."""
    if moment == "a step":
        if this == rank:
            before_step(step, die)
    elif this == 0:
        before_step(step, partial(_in_the_save, moment, die))


def _in_the_save(moment: str, act: Callable[[], None]) -> None:
    """Do `act` between two tensors, before the part gets its name, or after it before old ones are removed."""
    write, rename = checkpoint.write_float32, Path.rename

    def some(tensors):
        for number, tensor in enumerate(tensors):
            if number == 5:
                act()
            yield tensor

    if moment == "a tensor":
        checkpoint.write_float32 = lambda path, shapes, tensors: write(path, shapes, some(tensors))
    elif moment == "the rename":
        Path.rename = lambda *_: act()
    else:
        Path.rename = lambda path, target: (rename(path, target), act())


_HOOK = """
import os, signal, sys
if "themis.train.worker" in sys.orig_argv and "RANK" in os.environ:
    if os.environ["RANK"] == "1" and os.environ["THEMIS_TEST_KILLS"] == "worker":
        os.kill(os.getpid(), signal.SIGKILL)
    elif os.environ["RANK"] == "0" and os.environ["THEMIS_TEST_KILLS"] == "launcher":
        from tests.train import test_kill
        test_kill.kill_launcher()
"""


def _launch(options, whom: str, root: Path) -> subprocess.CompletedProcess:
    """Start two workers, of which the second dies at once, or the first kills the launcher in a save."""
    folder = options.metrics.parent / whom
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(_HOOK)
    (folder / "options.json").write_text(options.to_json())
    return subprocess.run(
        [sys.executable, "-m", "tests.train.processes", folder / "options.json"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{folder}:{root}", "THEMIS_TEST_KILLS": whom},
        capture_output=True,
        text=True,
        check=False,
    )


def kill_launcher() -> None:
    """In a worker: kill the launcher while step 4 is saved, and go no further."""
    launcher = psutil.Process().parent().parent()
    before_step(4, partial(_in_the_save, "a tensor", lambda: (launcher.kill(), signal.pause())))
