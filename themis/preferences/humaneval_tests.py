"""How many of a problem's own tests a program passes: its assertions one by one, in the sandbox."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass

from themis import chance
from themis.preferences.humaneval import Task
from themis.sandbox import run_python

_CONCLUSIVE = ("ok", "failed")
_TEST = """
try:
    {ran}.add({number})
    pass
except MemoryError:
    raise
except BaseException:
    {failed}.add({number})
"""
_PROGRAM = """import random
random.seed(0)
{code}
{ran}, {failed}, {end} = set(), set(), False
{test}
try:
    check({entry_point})
    {end} = True
except MemoryError:
    raise
except BaseException:
    pass
print({mark!r} + str([len({ran}), len({failed}), int({end})]))
"""


@dataclass(frozen=True)
class Tally:
    """Tests passed and failed, all counted as failed where the program gave no answer; `conclusive` is false where it
    ran out of time or memory, which another machine might not."""

    passed: int
    failed: int
    conclusive: bool = True

    @property
    def verdict(self) -> bool | None:
        """Whether every test passed; None where that is not known."""
        return self.failed == 0 if self.conclusive else None


def tally(task: Task, code: str, *, timeout_s: float, memory_mb: int, seed: int) -> Tally:
    """What the tests of a problem say of a program.

    A test is an assertion of the problem's `check`; one in a loop is one test, which fails with any of its rounds. Where
    `check` ends early, the tests it did not come to fail, or at least one; a `check` without assertions is one test.
    The limits hold for all tests together.
    """
    program, tests, mark = counting_program(task, code, seed)
    outcome = run_python(program, timeout_s=timeout_s, memory_mb=memory_mb)
    if outcome.status not in _CONCLUSIVE:
        return Tally(0, tests, conclusive=False)
    _, found, said = outcome.stdout.rpartition(mark)
    if not found or outcome.status != "ok":
        return Tally(0, tests)
    ran, failed, ended = json.loads(said.partition("\n")[0])
    if not ended:
        failed = max(1, failed + tests - ran)
    return Tally(tests - failed, failed)


def counting_program(task: Task, code: str, seed: int) -> tuple[str, int, str]:
    """The program that runs a problem's tests on `code` and counts them; how many there are; and the mark its answer
    begins with."""
    mark = f"{chance.digest(seed, 'mark', task.task_id):016x}"
    names = {name: f"_{name}_{mark}" for name in ("ran", "failed", "end")}
    tree = ast.parse(task.test)
    counting = _Counting(names["ran"], names["failed"])
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            counting.visit(node)
    test = ast.unparse(ast.fix_missing_locations(tree))
    program = _PROGRAM.format(code=code, test=test, entry_point=task.entry_point, mark=mark, **names)
    return program, max(1, counting.tests), mark


class _Counting(ast.NodeTransformer):
    """Puts every assertion into a block that notes whether it was come to, and whether it failed."""

    def __init__(self, ran: str, failed: str) -> None:
        self.tests = 0
        self._names = {"ran": ran, "failed": failed}

    def visit_Assert(self, node: ast.Assert) -> ast.Try:
        block = ast.parse(_TEST.format(number=self.tests, **self._names)).body[0]
        assert isinstance(block, ast.Try)
        block.body[1] = node
        self.tests += 1
        return block
