"""Run an untrusted program with limits and say how it ended."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from themis.errors import Problem

_LAUNCHER = Path(__file__).with_name("launcher.py")
_MIB = 1 << 20
_GRACE_S = 10.0  # for what is killed to be gone


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its status, exit code (None unless it ended by itself), and the ends of its output."""

    status: str  # ok | failed | timeout | memory | killed
    exit_code: int | None
    stdout: str
    stderr: str
    guards: frozenset[str] = frozenset()  # the kernel's walls that stood; not all kernels allow all


def run(
    argv: Sequence[str],
    *,
    files: Mapping[str, str],
    timeout_s: float,
    memory_mb: int,
    env: Mapping[str, str] | None = None,
    processes: int = 32,
    file_mb: int = 1,
    folder_mb: int = 16,
    tail_bytes: int = 1 << 16,
) -> Outcome:
    """Run `argv` in a fresh folder that holds `files` (relative name: text) and is gone afterwards.

    The program sees no environment but `env`, an empty stdin, and no network. `timeout_s` is wall-clock time; memory
    is address space per process. Where the kernel permits, it runs in namespaces of its own with everything but its
    folder read-only, and, started by root, as the user nobody; `Outcome.guards` names the walls that stood: network
    namespace, process namespace, read-only file system, other user. Without a network namespace only Python programs
    started by `run_python` are kept from the network. Raises Problem where the program cannot be started.
    """
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name:
            raise ValueError(f"{name!r} is no name inside the working folder")
    folder = Path(tempfile.mkdtemp(prefix="themis-sandbox-"))
    job = {
        "argv": list(argv),
        "env": dict(env or {}),
        "files": dict(files),
        "folder": str(folder.resolve()),
        "folder_mb": folder_mb,
        "prefix": str(Path(sys.base_prefix).resolve()),
        "limits": {
            "RLIMIT_AS": memory_mb * _MIB,
            "RLIMIT_CPU": math.ceil(timeout_s) + 1,
            "RLIMIT_FSIZE": file_mb * _MIB,
            "RLIMIT_NOFILE": 64,
            "RLIMIT_NPROC": processes,
            "RLIMIT_CORE": 0,
        },
    }
    try:
        return _watch(job, timeout_s, tail_bytes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(job: dict, timeout_s: float, tail_bytes: int) -> Outcome:
    status, status_end = os.pipe()
    try:
        process = subprocess.Popen(
            [str(Path(sys.executable).resolve()), "-I", "-S", "-B", str(_LAUNCHER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[status_end], start_new_session=True, env={}, cwd="/",
        )  # fmt: skip
    except BaseException:
        os.close(status)
        raise
    finally:
        os.close(status_end)
    outputs = {"stdout": process.stdout.fileno(), "stderr": process.stderr.fileno(), "status": status}
    streams = _Streams(outputs, tail_bytes)
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps({**job, "status": status_end}).encode())
            process.stdin.close()
        deadline = time.monotonic() + timeout_s
        while streams.open and not streams.ended():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            streams.read(left)
        late = not streams.ended() and streams.open > 0
        streams.drain()
        _kill(process, streams.reports().get("group"))
        streams.drain()
        return _outcome(streams, late)
    finally:
        _kill(process, streams.reports().get("group"))
        streams.close()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                stream.close()
        os.close(status)


class _Streams:
    """The program's output, of which only the end is kept, and the launcher's reports."""

    def __init__(self, descriptors: dict[str, int], limit: int) -> None:
        self._limit = limit
        self.text = {name: bytearray() for name in descriptors}
        self.open = len(descriptors)
        self._selector = selectors.DefaultSelector()
        for name, descriptor in descriptors.items():
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, name)

    def read(self, timeout_s: float) -> bool:
        """Take what is there, waiting for it at most so long; whether there was anything."""
        events = self._selector.select(timeout_s)
        for key, _ in events:
            block = os.read(key.fd, 1 << 16)
            if not block:
                self._selector.unregister(key.fd)
                self.open -= 1
            self.text[key.data] += block
            del self.text[key.data][: -self._limit]
        return bool(events)

    def drain(self) -> None:
        """Take what is left once everything is killed; bounded, should a process have got away."""
        for _ in range(64):
            if not self.open or not self.read(0):
                return

    def reports(self) -> dict[str, object]:
        facts: dict[str, object] = {}
        for line in bytes(self.text["status"]).splitlines(keepends=True):
            if line.endswith(b"\n"):
                facts.update(json.loads(line))
        return facts

    def ended(self) -> bool:
        facts = self.reports()
        return "code" in facts or "error" in facts

    def close(self) -> None:
        self._selector.close()


def _kill(process: subprocess.Popen[bytes], group: int | None) -> None:
    """Kill the program's group and wait for the launcher, which ends when all below it are gone; or else both."""
    for leader in (group, process.pid):
        if leader is None or process.poll() is not None:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)


def _outcome(streams: _Streams, late: bool) -> Outcome:
    facts = streams.reports()
    texts = {name: bytes(text).decode("utf-8", "replace") for name, text in streams.text.items()}
    guards = frozenset(facts.get("guards", ()))
    if "error" in facts:
        raise Problem(f"sandbox: cannot start {facts['error']}")
    if late:
        return Outcome("timeout", None, texts["stdout"], texts["stderr"], guards)
    if "code" not in facts:
        raise Problem(f"sandbox: its launcher died: {(texts['stderr'].strip().splitlines() or ['no message'])[-1]}")
    code = int(facts["code"])
    status, exit_code = ("ok", 0) if code == 0 else ("failed", code)
    if code == -signal.SIGXCPU:
        status, exit_code = "timeout", None
    elif code < 0:
        status, exit_code = "killed", None
    elif code and texts["stderr"].rstrip().rpartition("\n")[2].startswith("MemoryError"):
        status = "memory"
    return Outcome(status, exit_code, texts["stdout"], texts["stderr"], guards)
