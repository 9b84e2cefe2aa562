"""Run an untrusted program with limits: time, memory, processes, files, no network."""

from themis.sandbox.python import run_python
from themis.sandbox.run import Outcome, run

__all__ = ["Outcome", "run", "run_python"]
