"""What goes wrong on a cluster, done to a run that is going on: each waits for its moment and returns the job it hit."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.slurm.cluster import NODES, Cluster, until


@dataclass(frozen=True)
class Run:
    """A run of Snakemake on a cluster."""

    cluster: Cluster
    folder: Path
    snakemake: subprocess.Popen

    def job(self, rule: str, state: str = "RUNNING") -> str | None:
        """The job of a rule that is in this state, if there is one; fails where Snakemake has ended."""
        assert self.snakemake.poll() is None, f"the run ended before a job of {rule} was {state}"
        for line in self.cluster.say("squeue", "--noheader", "--array", "--format", "%i|%T|%k").splitlines():
            job, now, comment = line.split("|")
            if now == state and re.fullmatch(f"rule_{rule}(_wildcards_.*)?", comment):
                return job
        return None

    def running(self, rule: str) -> str:
        """Wait for a job of a rule to run."""
        return until(lambda: self.job(rule), f"no job of {rule} runs")


def cancel(run: Run, rule: str) -> str:
    """A job of the rule is cancelled by hand while it runs."""
    job = run.running(rule)
    run.cluster.say("scancel", job)
    return job


def lose_the_controller(run: Run, rule: str) -> str:
    """The controller is killed while a job of the rule runs, and started again with the state it saved."""
    job, saved = run.running(rule), run.cluster.folder / "state/job_state"
    seen = _now(saved)
    until(lambda: saved.stat().st_mtime > seen, "the controller does not save its state")
    # A step that the controller has been asked for, and does not answer, is asked for again after two minutes.
    log = run.folder / f"results/logs/{rule}.log"
    until(lambda: log.exists() or not run.job(rule), f"{log} does not begin")
    run.cluster.stop("slurmctld", signal.SIGKILL)
    run.cluster.start_controller()
    return job


def use_up_the_time(run: Run, stage: str) -> str:
    """The time of a training is up after its first checkpoint: SLURM sends what the profile has asked it to send."""
    with _held(run, stage) as (job, trainers):
        # Of the time asked for, no more than SLURM's notice is left.
        run.cluster.say("scontrol", "update", f"JobId={job}", f"TimeLimit={_minutes(run, job) + 4}")
        until(lambda: all(_told(each) for each in trainers), "no signal came", 120)
    return job


def take_a_node_down(run: Run, stage: str) -> str:
    """A node that a training runs on fails after its first checkpoint, and comes back."""
    with _held(run, stage) as (job, _):
        run.cluster.say("scontrol", "update", f"NodeName={NODES[1]}", "State=down", "Reason=test")
        until(lambda: run.job("train") is None, "the job goes on without its node")
    # Which is refused where it is back already, as it is once it has reported (ReturnToService).
    with suppress(subprocess.CalledProcessError):
        run.cluster.say("scontrol", "update", f"NodeName={NODES[1]}", "State=resume")
    until(lambda: run.job("train", "PENDING"), "the job is not queued again")
    # SLURM would let it wait for two minutes.
    run.cluster.say("scontrol", "update", f"JobId={job}", "StartTime=now")
    return job


@contextmanager
def _held(run: Run, stage: str) -> Iterator[tuple[str, list[psutil.Process]]]:
    """A training, with its processes, that does not go on meanwhile; it has a checkpoint, and steps left to do."""
    checkpoints = run.folder / "results/models"
    until(
        lambda: run.job("train") and list(checkpoints.glob(f"*/{stage}/checkpoints/step-*")), f"{stage}: no checkpoint"
    )
    job, trainers = run.job("train"), _trainers(run.cluster, stage)
    try:
        for each in trainers:
            each.suspend()
        assert trainers and not list(checkpoints.glob(f"*/{stage}/export/*.safetensors")), f"{stage} was over too soon"
        yield job, trainers
    finally:
        for each in trainers:
            with suppress(psutil.NoSuchProcess):
                each.resume()


def _trainers(cluster: Cluster, stage: str) -> list[psutil.Process]:
    """The processes that train a stage."""

    def trains(words: list[str]) -> bool:
        return len(words) > 2 and Path(words[1]).name == "themis" and words[2] == "train" and stage in words

    found = []
    for process in cluster.processes():
        try:
            if trains(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _told(process: psutil.Process) -> bool:
    """Whether a signal waits for a stopped process, or has reached it: SLURM may have it go on to hear it."""
    with suppress(psutil.NoSuchProcess, FileNotFoundError):
        status = Path(f"/proc/{process.pid}/status").read_text()
        pending = any(int(mask, 16) >> (signal.SIGUSR1 - 1) & 1 for mask in re.findall(r"Pnd:\s*(\w+)", status))
        return pending or process.status() != psutil.STATUS_STOPPED
    return True


def _minutes(run: Run, job: str) -> int:
    """For how many whole minutes a job has run."""
    said = run.cluster.say("squeue", "--noheader", "--job", job, "--format", "%M").strip()
    *days, clock = said.split("-")
    parts = [int(part) for part in clock.split(":")]
    seconds = sum(part * 60**place for place, part in enumerate(reversed(parts)))
    return (int(days[0]) * 86400 if days else 0) // 60 + seconds // 60


def _now(path: Path) -> float:
    """The file system's time."""
    mark = path.with_name("now")
    mark.touch()
    return mark.stat().st_mtime
