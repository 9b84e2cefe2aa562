"""The re-ranking set: for each of some HumanEval problems many candidate solutions, each run against the problem's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis import chance
from themis.errors import Problem
from themis.generation.batch_files import finish
from themis.generation.protocol import Generator
from themis.preferences.humaneval import Task, divide, tasks
from themis.preferences.mutant_pairs import is_python
from themis.preferences.tallies import Tallies
from themis.progress import bar, track
from themis.prompting.solving import read_solution, solution_request
from themis.records import SCHEMAS, Ledger
from themis.syntax.mutate import pick

EDITS = (1, 2, 4)  # faults put into a mutant, in turns
CANONICAL, MUTANT = "canonical", "mutant"
DUPLICATE = "identical to another"
INCONCLUSIVE = "runs out of time or memory"
NO_PYTHON = "not Python"
UNSOUND = "canonical solution does not pass its tests"
UNFINISHED = "canonical solution runs out of time or memory"
LANGUAGE = "Python"
_DRAWS = 8  # mutants drawn at most, for each candidate wanted

Drawn = tuple[str, int | None, str]  # a candidate's source, the faults put into it, its text


@dataclass(frozen=True)
class Samples:
    """A language model that solves the problems too: its name, how often, and how it writes (temperature 0: greedy)."""

    generator: Generator
    writer: str
    number: int
    max_new_tokens: int
    temperature: float
    top_p: float


def rerank_set(
    *,
    problems: int,
    candidates: int,
    benchmark_problems: int,
    general_problems: int,
    timeout_s: float,
    memory_mb: int,
    seed: int,
    ledger: Ledger,
    samples: Samples | None = None,
    cache: Path | None = None,
) -> pa.Table:
    """A table of schema "rerank_set", sorted by question and id: at most `candidates` different ones a problem.

    First the canonical solution, then a language model's, then mutants of the canonical one with one, two and four
    faults in turns, until there are enough or no more can be had. A problem stays whether or not its candidates differ
    in verdict. What runs out of time or memory is left out, so that a slow machine makes the same set as a fast one.
    Problems are drawn by chance from those that no general training pair is of (`benchmark_problems` and
    `general_problems` as `divide` takes them). The ledger counts questions, and candidates by their source.
    Raises Problem where there are not so many problems.
    """
    chosen = _problems(problems, benchmark_problems, general_problems, seed)
    written = _written(chosen, samples, seed, ledger) if samples else {}
    tallies = Tallies(cache, timeout_s=timeout_s, memory_mb=memory_mb, seed=seed)
    rows: list[dict[str, Any]] = []
    for task in track(chosen, "rerank set", unit="problem"):
        sound = tallies.of(task, task.code).verdict
        if not sound:
            ledger.drop(UNFINISHED if sound is None else UNSOUND, "questions")
            continue
        ledger.keep("questions")
        rows += _candidates(task, written.get(task.task_id, []), candidates, tallies, seed, ledger)
    rows.sort(key=lambda row: (row["question"], row["id"]))
    return pa.Table.from_pylist(rows, schema=SCHEMAS["rerank_set"])


def _problems(number: int, benchmark: int, general: int, seed: int) -> list[Task]:
    _, trained = divide(tasks(), benchmark, general, seed)
    taken = {task.task_id for task in trained}
    left = [task for task in tasks() if task.task_id not in taken]
    if number > len(left):
        raise Problem(
            f"{number} problems to re-rank solutions of, but HumanEval has {len(left)} that are not trained on; "
            "lower rerank.problems or benchmark.humaneval.general_problems"
        )
    order = chance.order(seed, "rerank problems", [task.task_id for task in left])
    return sorted((left[at] for at in order[:number]), key=lambda task: task.task_id)


def _candidates(
    task: Task, written: list[Drawn], number: int, tallies: Tallies, seed: int, ledger: Ledger
) -> Iterator[dict[str, Any]]:
    """The rows of one problem; every candidate drawn is counted as kept or dropped."""
    seen: set[str] = set()
    kept = 0
    for source, edits, code in _drawn(task, written, number, seed):
        if kept == number:
            return
        if code in seen:
            ledger.drop(DUPLICATE, source)
            continue
        seen.add(code)
        if source == MUTANT and not is_python(code):
            ledger.drop(NO_PYTHON, source)
            continue
        found = tallies.of(task, code)
        if not found.conclusive:
            ledger.drop(INCONCLUSIVE, source)
            continue
        ledger.keep(source)
        kept += 1
        yield {
            "question": task.task_id,
            "prompt": task.request,
            "language": LANGUAGE,
            "id": hashlib.blake2b(f"{task.task_id}\x1f{code}".encode(), digest_size=16).hexdigest(),
            "completion": code,
            "source": source,
            "edits": edits,
            "passed": found.passed,
            "failed": found.failed,
            "verdict": found.verdict,
        }


def _drawn(task: Task, written: list[Drawn], number: int, seed: int) -> Iterator[Drawn]:
    """Candidates in the order in which they are tried."""
    yield CANONICAL, None, task.code
    yield from written
    for draw in range(_DRAWS * number):
        edits = EDITS[draw % len(EDITS)]
        code = _mutant(task, edits, seed, f"{task.task_id}\x1f{draw}")
        if code is not None:
            yield MUTANT, edits, code


def _mutant(task: Task, edits: int, seed: int, key: str) -> str | None:
    """The canonical solution with so many faults put into its body, one after the other; None where one has no place."""
    code, body = task.code, len(task.prompt.encode())
    for step in range(edits):
        mutant = pick(code, LANGUAGE, seed=seed, key=f"{key}\x1f{step}", start=body)
        if mutant is None:
            return None
        code = mutant.text
    return code


def _written(problems: list[Task], samples: Samples, seed: int, ledger: Ledger) -> dict[str, list[Drawn]]:
    """A language model's solutions by problem, in the order of their numbers; what holds no program is dropped."""
    requests = [
        solution_request(
            f"{task.task_id}\x1f{number:04d}",
            problem=task.request,
            language=LANGUAGE,
            max_new_tokens=samples.max_new_tokens,
            temperature=samples.temperature,
            top_p=samples.top_p,
            seed=chance.digest(seed, "rerank sample", f"{task.task_id}\x1f{number}"),
        )
        for task in problems
        for number in range(samples.number)
    ]
    read = {}
    with bar(f"solutions by {samples.writer}", len(requests), "sample") as shown:
        for completion in samples.generator.generate(requests):
            read[completion.key] = read_solution(completion)
            shown.update()
    finish(samples.generator)
    if len(read) < len(requests):
        raise Problem(f"{samples.writer}: {len(requests) - len(read)} of {len(requests)} problems got no solution")
    programs: dict[str, list[Drawn]] = {}
    for request in requests:
        reading = read[request.key]
        if reading.value is None:
            ledger.drop(reading.why or "no answer", samples.writer)
        else:
            question, _, _ = request.key.partition("\x1f")
            programs.setdefault(question, []).append((samples.writer, None, reading.value))
    return programs
