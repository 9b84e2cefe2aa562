"""The collection of HumanEval: a problem's own solution against another problem's, or against itself cut short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from themis import chance
from themis.preferences.collections.pair import Pair
from themis.preferences.collections.writing import frames_of, write_collection
from themis.preferences.humaneval import Task, divide, tasks
from themis.records import Ledger
from themis.vocabulary import Criterion

NAME = "humaneval"


def collect_humaneval(out: Path, *, problems: int, benchmark_problems: int, seed: int, ledger: Ledger) -> int:
    """Write pairs about helpfulness from `problems` problems outside the benchmark's share, and return how many: the
    canonical function against another problem's, or against itself cut after half its lines. Raises Problem."""
    _, ours = divide(tasks(), benchmark_problems, problems, seed)
    frames = frames_of(map(Pair.row, _pairs(ours, seed)))
    return write_collection(frames, out, NAME, seed=seed, ledger=ledger)


def _pairs(problems: list[Task], seed: int) -> Iterator[Pair]:
    for task in problems:
        others = [other for other in problems if other.task_id != task.task_id]
        if others and chance.pick(seed, "general kind", task.task_id, ("irrelevant", "truncated")) == "irrelevant":
            rejected = chance.pick(seed, "irrelevant", task.task_id, others).code
        else:
            rejected = _truncated(task)
        yield Pair(task.request, task.code, rejected, "Python", Criterion.HELPFULNESS.value, NAME, task.task_id)


def _truncated(task: Task) -> str:
    lines = task.solution.splitlines(keepends=True)
    return task.prompt + "".join(lines[: len(lines) // 2])
