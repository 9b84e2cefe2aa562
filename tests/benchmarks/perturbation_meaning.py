"""How many perturbed programs still pass their tests: `python -m tests.benchmarks.perturbation_meaning [N] [KIND ...]`.

N programs a kind (1,000), all different, from the solutions of HumanEval: the solutions themselves, then the same with
comments, other names and dead code by one seed after the other. A solution that fails its own tests unchanged is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

from themis import chance
from themis.preferences.humaneval import Task, tasks
from themis.sandbox import run_python
from themis.score.perturbations import EDITS
from themis.syntax.tokens import Refusal

_SEEDS = 400
_TOGETHER = 25  # programs tested in one process; where one of them fails, each is tested alone
_TIMEOUT_S, _MEMORY_MB = 20.0, 1024
_RUN = """
try:
    import random
    random.seed(0)
    space = {{"__name__": "program"}}
    exec({code!r}, space)
    exec({test!r}, space)
    space["check"](space[{entry!r}])
    print({mark!r})
except BaseException as error:
    print(type(error).__name__)
"""

Program = tuple[Task, str]


def main(wanted: list[str]) -> int:
    """Print the rate of every kind; 1 where one is below 1."""
    number = int(wanted[0]) if wanted else 1000
    sound = [
        task for task, passed in zip(tasks(), passing([(task, task.code) for task in tasks()]), strict=True) if passed
    ]
    print(f"{len(sound)} of {len(tasks())} solutions pass their tests unchanged", flush=True)
    held = True
    for kind in wanted[1:] or EDITS:
        programs = list(islice(changed(sound, kind), number))
        passed = passing(programs)
        held &= all(passed)
        print(f"{kind}: {sum(passed)} of {len(programs)} pass", flush=True)
        for (task, code), right in zip(programs, passed, strict=True):
            if not right:
                print(f"  {task.task_id}:\n{code}", flush=True)
    return 0 if held else 1


def changed(problems: list[Task], kind: str) -> Iterator[Program]:
    """Different programs that a kind of perturbation makes, a round over all problems for each seed."""
    seen: set[str] = set()
    for seed in range(_SEEDS):
        for task in problems:
            try:
                code = EDITS[kind](_variant(task, seed), "Python", seed, task.task_id)
            except Refusal:
                continue
            if code not in seen:
                seen.add(code)
                yield task, code
        if seed > 20 and len(seen) < seed:  # the kind hardly ever applies
            return


def passing(programs: list[Program]) -> list[bool]:
    """Whether each program passes its problem's tests."""
    found: list[bool] = []
    for start in range(0, len(programs), _TOGETHER):
        some = programs[start : start + _TOGETHER]
        together = _passed(some)
        found += together if all(together) else [_passed([one])[0] for one in some]
    return found


def _passed(programs: list[Program]) -> list[bool]:
    marks = [f"{chance.digest(0, 'mark', f'{number} {code}'):016x}" for number, (_, code) in enumerate(programs)]
    program = "".join(
        _RUN.format(code=code, test=task.test, entry=task.entry_point, mark=mark)
        for (task, code), mark in zip(programs, marks, strict=True)
    )
    said = run_python(program, timeout_s=_TIMEOUT_S, memory_mb=_MEMORY_MB).stdout.splitlines()
    return [mark in said for mark in marks]


def _variant(task: Task, seed: int) -> str:
    """The solution itself for the first seed, else one with comments, dead code and, where it has any, other names."""
    code = task.code
    for kind in ("fluff", "renaming", "dead_code") if seed else ():
        try:
            code = EDITS[kind](code, "Python", seed, f"variant of {task.task_id}")
        except Refusal:
            continue
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
