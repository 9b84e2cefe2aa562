"""Run git with an argument list, in its own process group, deaf to the configuration of user, machine and caller."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import IO

from themis.errors import Problem

# The caller's own choices of how to reach the network; every other GIT_* variable is dropped.
_NETWORK = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
MAX_MEMORY = 3 << 30  # bytes of a git process: a tree that names itself over and over has no end
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # `clone` names the ones it needs
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_PIPE = 1 << 20  # bytes that git may be ahead of its reader, and the feed ahead of git
_SETTINGS = (
    "core.attributesFile=/dev/null",
    "core.commitGraph=false",  # a cache the repository brings along; the commits themselves are the truth
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "gc.auto=0",
    "log.showSignature=false",
    "maintenance.auto=false",
)
_WATCH_S = 0.1


class GitProblem(Problem):
    """A git command failed; `said` is all that it wrote on its standard error, empty where it ran out of time."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


def run(
    arguments: Sequence[str],
    *,
    where: str,
    git_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    feed: bytes = b"",
    accept: Sequence[int] = (0,),
    timeout: float | None = 600,
    watch: Callable[[], None] | None = None,
) -> bytes:
    """The standard output of one git command. `watch` is called ten times a second; what it raises ends the command.

    Raises GitProblem naming `where` when the command fails with a status not in `accept`, or runs longer than `timeout`
    seconds; the whole process group is killed then, as on any other exception.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(arguments, git_dir, environment, errors)
        try:
            output = _communicate(process, feed, timeout, watch)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise GitProblem(f"{where}: git {arguments[0]} did not end within {timeout:g} seconds") from None
        except BaseException:
            _kill(process)
            raise
        if process.returncode not in accept:
            raise _failure(arguments, where, process.returncode, errors)
        return output


@contextlib.contextmanager
def stream(
    arguments: Sequence[str],
    *,
    where: str,
    git_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    feed: Iterable[bytes] = (),
) -> Iterator[IO[bytes]]:
    """The standard output of one git command as a stream, fed from a thread so that neither side can block.

    Read it to its end. Leaving by an exception kills the process group; a failed command raises GitProblem.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(arguments, git_dir, environment, errors)
        feeder = Thread(target=_feed, args=(process.stdin, feed), daemon=True)
        feeder.start()
        try:
            yield process.stdout
            process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            feeder.join()
            process.stdout.close()
        if process.returncode:
            raise _failure(arguments, where, process.returncode, errors)


def _start(
    arguments: Sequence[str], git_dir: Path | None, environment: Mapping[str, str] | None, errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    command = ["git", "--no-pager"]
    for setting in _SETTINGS:
        command += ["-c", setting]
    if git_dir is not None:
        command.append(f"--git-dir={git_dir}")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _NETWORK}
    try:
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            pipesize=_PIPE,
            env={**inherited, **_ENVIRONMENT, **(environment or {})},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Problem("git: no such program; install git 2.39 or later") from None
    with contextlib.suppress(ProcessLookupError, AttributeError):  # Linux has it
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    return process


def _communicate(
    process: subprocess.Popen[bytes], feed: bytes, timeout: float | None, watch: Callable[[], None] | None
) -> bytes:
    if watch is None:
        return process.communicate(feed, timeout=timeout)[0]
    began = time.monotonic()
    rest: bytes | None = feed
    while True:
        try:
            return process.communicate(rest, timeout=_WATCH_S)[0]
        except subprocess.TimeoutExpired:
            rest = None  # `communicate` has the feed and goes on with it
            watch()
            if timeout is not None and time.monotonic() - began > timeout:
                raise


def _feed(pipe: IO[bytes], parts: Iterable[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:
        for part in parts:
            pipe.write(part)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failure(arguments: Sequence[str], where: str, code: int, errors: IO[bytes]) -> GitProblem:
    errors.seek(0)
    said = errors.read().decode(errors="replace")
    lines = said.splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines or [f"exit status {code}"]
    return GitProblem(f"{where}: git {arguments[0]} failed: {told[0][:300]}", said)
