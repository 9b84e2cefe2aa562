"""Run an untrusted Python program: the same interpreter, standard library only, behind an audit hook."""

from __future__ import annotations

import sys
from pathlib import Path

from themis.sandbox.run import Outcome, run

_GUARD = Path(__file__).with_name("guard.py")
_PROGRAM = "program.py"


def run_python(program: str, *, timeout_s: float, memory_mb: int, files: dict[str, str] | None = None) -> Outcome:
    """How the program ends, as `run` says it; what the hook refuses raises PermissionError inside the program.

    Strings hash the same way in every run, so that the order of a set never decides a test.
    """
    interpreter = str(Path(sys.executable).resolve())
    return run(
        [interpreter, "-P", "-s", "-S", "-B", "-c", _GUARD.read_text(encoding="utf-8"), _PROGRAM],
        files={**(files or {}), _PROGRAM: program},
        timeout_s=timeout_s,
        memory_mb=memory_mb,
        env={"PYTHONHASHSEED": "0"},
    )
