"""Benchmark pairs from HumanEval: the canonical function against a mutant that fails the problem's own tests."""

from __future__ import annotations

import ast
import sys
import warnings
from collections import Counter
from collections.abc import Iterable

from themis import chance
from themis.preferences.humaneval import Task
from themis.progress import track
from themis.sandbox import Outcome, run_python
from themis.syntax.mutate import mutants
from themis.vocabulary import Criterion

SUBSET = "HUMANEVAL_MUTANTS"
UNSOUND = "canonical solution does not pass its tests"
UNFINISHED = "canonical solution runs out of time or memory"
SURVIVED = "no mutant fails the tests"
_CONCLUSIVE = ("ok", "failed")
_NO_NAMESPACE = "themis: this kernel gives the sandbox no network namespace; only the audit hook keeps tests offline"


def mutant_pairs(
    problems: Iterable[Task], *, timeout_s: float, memory_mb: int, seed: int
) -> tuple[list[dict[str, str]], list[str], dict[str, int]]:
    """Pairs, the reasons of the problems that give none, and counts of the mutants that were run, by operator too.

    Mutants are tried in an order of chance until one fails. One that runs out of time or memory is `inconclusive` and
    passed over, so that a slow machine chooses the same mutant as a fast one.
    """
    pairs, reasons, counts = [], [], Counter({"mutants": 0, "killed": 0, "survived": 0, "inconclusive": 0})
    warned = False
    for task in track(list(problems), "mutants", unit="problem"):
        outcome, passed = _test(task, task.code, timeout_s, memory_mb, seed)
        if not warned and "network namespace" not in outcome.guards:
            print(_NO_NAMESPACE, file=sys.stderr)
            warned = True
        mutant = _failing(task, timeout_s, memory_mb, seed, counts) if passed else None
        if mutant is None:
            reasons.append(SURVIVED if passed else UNSOUND if outcome.status in _CONCLUSIVE else UNFINISHED)
            continue
        pairs.append(
            {
                "prompt": task.request,
                "chosen": task.code,
                "rejected": mutant,
                "aspect": Criterion.FUNCTIONAL_CORRECTNESS.value,
                "language": "Python",
            }
        )
    return pairs, reasons, dict(counts)


def _failing(task: Task, timeout_s: float, memory_mb: int, seed: int, counts: Counter[str]) -> str | None:
    operators = {
        mutant.text: mutant.operator for mutant in mutants(task.code, "Python", start=len(task.prompt.encode()))
    }
    texts = sorted(operators)
    for at in chance.order(seed, f"mutants of {task.task_id}", texts):
        if not is_python(texts[at]):
            continue
        outcome, passed = _test(task, texts[at], timeout_s, memory_mb, seed)
        verdict = "survived" if passed else "killed" if outcome.status in _CONCLUSIVE else "inconclusive"
        counts["mutants"] += 1
        counts[verdict] += 1
        counts[f"{verdict}: {operators[texts[at]]}"] += 1
        if verdict == "killed":
            return texts[at]
    return None


def _test(task: Task, code: str, timeout_s: float, memory_mb: int, seed: int) -> tuple[Outcome, bool]:
    """How the tests end, and whether they passed: only code that reaches the end of the tests prints the mark."""
    mark = f"{chance.digest(seed, 'mark', task.task_id):016x}"
    program = f"import random\nrandom.seed(0)\n{code}\n{task.test}\ncheck({task.entry_point})\nprint({mark!r})\n"
    outcome = run_python(program, timeout_s=timeout_s, memory_mb=memory_mb)
    return outcome, outcome.status == "ok" and outcome.stdout.rstrip().endswith(mark)


def is_python(code: str) -> bool:
    """Whether a program has no syntax error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError:
        return False
    return True
