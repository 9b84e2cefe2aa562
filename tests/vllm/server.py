"""vLLM's own server of the OpenAI protocol, on a free port of loopback, for as long as a test needs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "smollm2"  # of the model at the server
LIKELIEST = 1000  # tokens it tells the log-probabilities of; among twenty, this model has few of the options
_PATIENCE_S = 600


@contextmanager
def vllm_server(python: Path, model: Path, log: Path) -> Iterator[str]:
    """The server's base URL; nothing of it is left afterwards. Raises RuntimeError where it does not come up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        python, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name", NAME,
        "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--max-model-len", "2048",
        "--gpu-memory-utilization", "0.2", "--enforce-eager", "--max-logprobs", str(LIKELIEST),
    ]  # fmt: skip
    # One thread: two that wait for each other are many times slower where other work shares the cores.
    core = str(min(os.sched_getaffinity(0)))
    settings = {"VLLM_NO_USAGE_STATS": "1", "TORCH_COMPILE_DISABLE": "1", "VLLM_CPU_OMP_THREADS_BIND": core}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **settings}, start_new_session=True
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        # The server and its engine's processes are a group of their own.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            try:
                process.wait(0.3)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"vLLM's server does not come up: {log.read_text(errors='replace')[-3000:]}")
