"""Hosts that fail: what can be had is had once, nothing is lost without a reason, and it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess

import pytest

from themis.contents.retrieve import unreached
from themis.records import read


def noise(seed: int, size: int = 4000) -> str:
    """A text that compresses little, so that a pack of it can be cut in the middle."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789\n", k=size))


def fill(world, names=("a/one", "b/two"), changes: int = 3) -> None:
    for i in range(changes * len(names)):
        world.change(names[i % len(names)], noise(2 * i), noise(2 * i + 1))


@pytest.mark.parametrize("fault", [403, 429, 500, 503, "drop"])
def test_a_host_that_recovers_loses_nothing(world, fault):
    fill(world)
    world.server.fault = lambda repository, failed: fault if failed < 2 else None
    found, dropped, attempts = world.retrieve()
    assert len(found) == 6 and dropped == {}
    assert world.server.failed == {"a/one": 2, "b/two": 2}
    assert world.server.packs == {"a/one": 1, "b/two": 1}
    assert set(world.server.wanted.values()) == {1}
    assert {row["error"] for row in attempts.values()} == {None}
    assert {row["requests"] for row in attempts.values()} == {3}
    assert world.kept == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(403, "host refused"), (429, "host refused"), (500, "host did not answer"), ("drop", "host did not answer"),
     (404, "repository not found"), (401, "repository not found")],
)  # fmt: skip
def test_a_repository_that_fails_for_ever_costs_only_its_own_rows(world, fault, reason):
    fill(world)
    world.server.fault = lambda repository, failed: fault if repository == "a/one" else None
    found, dropped, attempts = world.retrieve()
    assert {row["repository"] for row in found.values()} == {"b/two"} and len(found) == 3
    assert dropped == {reason: 3}
    assert (attempts["a/one"]["error"], attempts["b/two"]["error"]) == (reason, None)
    assert world.server.failed["a/one"] == (1 if reason == "repository not found" else 3)
    table = read(world.folder / "attempts.parquet", "attempts")
    assert unreached(table) == ([] if reason == "repository not found" else [world.server.of("a/one")])


def test_a_run_after_a_failure_asks_only_for_what_is_lacking(world):
    fill(world, changes=4)
    world.server.fault = lambda repository, failed: 500 if repository == "a/one" else None
    found, dropped, _ = world.retrieve()
    assert len(found) == 4 and dropped == {"host did not answer": 4}
    assert world.kept
    world.server.fault = lambda repository, failed: None
    found, dropped, attempts = world.retrieve()
    assert len(found) == 8 and dropped == {}
    assert world.server.packs == {"a/one": 1, "b/two": 1}
    assert set(world.server.wanted.values()) == {1}
    assert world.kept == []
    whole = (world.folder / "out").read_bytes()
    assert {name: row["requests"] for name, row in attempts.items()} == {"a/one": 1, "b/two": 1}
    again = world.retrieve("again")
    assert again == (found, dropped, attempts)
    assert (world.folder / "again").read_bytes() == whole


def test_a_killed_run_goes_on_in_the_middle_of_a_repository(world):
    """Killed during the third of four requests; what the first two brought is not asked for again."""
    fill(world, names=("a/one",), changes=8)
    world.server.fault = lambda repository, failed: "stall" if world.server.packs[repository] == 2 else None
    world.write()
    with subprocess.Popen(world.command("--chunk=4", "--per-host=1"), start_new_session=True) as process:
        assert world.server.stalled.wait(60)
        os.killpg(process.pid, signal.SIGKILL)
    assert world.server.packs == {"a/one": 2} and not (world.folder / "out").exists() and world.kept
    world.server.fault = lambda repository, failed: None
    found, dropped, attempts = world.retrieve(chunk=4, per_host=1)
    assert len(found) == 8 and dropped == {}
    assert world.server.packs == {"a/one": 4}
    assert set(world.server.wanted.values()) == {1}
    assert attempts["a/one"]["requests"] == 4
    assert world.kept == []
    whole = (world.folder / "out").read_bytes()
    world.retrieve("apart", chunk=2000)
    assert (world.folder / "apart").read_bytes() == whole


def test_the_command_says_which_hosts_failed_and_ends_well(world):
    fill(world, changes=1)
    world.server.fault = lambda repository, failed: 500 if repository == "a/one" else None
    world.write()
    done = subprocess.run(world.command("--tries=1"), capture_output=True, text=True)
    assert done.returncode == 0
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("retrieve:")]
    assert f"1 of 2 sources (the first: {world.server.of('a/one')})" in told
    world.server.fault = lambda repository, failed: None
    done = subprocess.run(world.command("--tries=1"), capture_output=True, text=True)
    assert done.returncode == 0 and "retrieve:" not in done.stderr
    assert world.server.packs == {"a/one": 1, "b/two": 1}


def test_a_request_that_stalls_is_cut_off(world):
    fill(world, names=("a/one",))
    world.server.fault = lambda repository, failed: "stall" if failed < 1 else None
    found, dropped, attempts = world.retrieve(request_s=0.5)
    assert world.server.open == 1, "the host gave up first"
    assert len(found) == 3 and dropped == {}
    assert attempts["a/one"]["requests"] == 2


def test_a_slow_host_is_waited_for(world):
    fill(world, names=("a/one",))
    world.server.fault = lambda repository, failed: "slow"
    found, dropped, attempts = world.retrieve()
    assert len(found) == 3 and dropped == {} and attempts["a/one"]["requests"] == 1


def test_no_more_requests_at_a_time_than_allowed(world):
    names = [f"owner/r{i}" for i in range(8)]
    fill(world, names=names, changes=1)
    world.server.meet = 3
    found, _, _ = world.retrieve(per_host=2)
    assert len(found) == 8
    assert world.server.most == 2
    world.server.meet, world.server.patience = 3, 5000
    found, _, _ = world.retrieve("more", per_host=3)
    assert world.server.most == 3


def test_a_dead_host_is_not_asked_for_ever(world):
    """Given up ten times in a row, it is left alone; the rows say so, and another host is still asked."""
    fill(world, names=[f"owner/r{i}" for i in range(9)], changes=1)
    world.server.fault = lambda repository, failed: 503
    found, dropped, attempts = world.retrieve(given_up=2, tries=2, per_host=1)
    assert found == {} and dropped == {"host did not answer": 9}
    assert sum(world.server.failed.values()) == 4
    assert len(attempts) == 9 and {row["error"] for row in attempts.values()} == {"host did not answer"}
