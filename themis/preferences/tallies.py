"""Outcomes of test runs on disk as they come, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from themis.preferences.humaneval import Task
from themis.preferences.humaneval_tests import Tally, counting_program, tally
from themis.records.appended import append_entry, read_entries


class Tallies:
    """`tally` in front of an append-only file of JSON lines; without a file, nothing is kept.

    The key names all that an outcome depends on. What was not conclusive is run again next time. A last line that a
    killed run left unfinished is cut off. Raises Problem where the file holds anything else.
    """

    def __init__(self, file: Path | None, *, timeout_s: float, memory_mb: int, seed: int) -> None:
        self._limits = {"timeout_s": timeout_s, "memory_mb": memory_mb}
        self._seed = seed
        self._file = None if file is None else Path(file)
        self._known = {} if self._file is None else read_entries(self._file, _tally, "outcome of a test run")

    def of(self, task: Task, code: str) -> Tally:
        """What the tests of a problem say of a program."""
        key = self._key(task, code)
        if key not in self._known:
            found = tally(task, code, **self._limits, seed=self._seed)
            if not found.conclusive:
                return found
            self._known[key] = found
            if self._file is not None:
                append_entry(self._file, key, passed=found.passed, failed=found.failed)
        return self._known[key]

    def _key(self, task: Task, code: str) -> str:
        program, *_ = counting_program(task, code, self._seed)
        said = f"{sys.version}\x1f{self._limits}\x1f{program}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _tally(fields: dict[str, Any]) -> Tally:
    return Tally(int(fields["passed"]), int(fields["failed"]))
