"""Run git with an argument list, in its own process group, deaf to the configuration of user, machine and caller."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import IO

from themis.errors import Problem

# The caller's own choices of how to reach the network; every other GIT_* variable is dropped.
_NETWORK = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
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
_SETTINGS = (
    "core.attributesFile=/dev/null",
    "core.commitGraph=false",  # a cache the repository brings along; the commits themselves are the truth
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "gc.auto=0",
    "http.lowSpeedLimit=1000",  # bytes per second, below which for a minute a clone is given up
    "http.lowSpeedTime=60",
    "log.showSignature=false",
    "maintenance.auto=false",
)


def run(
    arguments: Sequence[str],
    *,
    where: str,
    git_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    feed: bytes = b"",
    accept: Sequence[int] = (0,),
    timeout: float | None = 600,
) -> bytes:
    """The standard output of one git command.

    Raises Problem naming `where` when the command fails with a status not in `accept`, or runs longer than `timeout`
    seconds; the whole process group is killed then, as on any other exception.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(arguments, git_dir, environment, errors)
        try:
            output, _ = process.communicate(feed, timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise Problem(f"{where}: git {arguments[0]} did not end within {timeout:g} seconds") from None
        except BaseException:
            _kill(process)
            raise
        if process.returncode not in accept:
            raise Problem(_failure(arguments, where, process.returncode, errors))
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

    Read it to its end. Leaving by an exception kills the process group; a failed command raises Problem.
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
            raise Problem(_failure(arguments, where, process.returncode, errors))


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
        return subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**inherited, **_ENVIRONMENT, **(environment or {})},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Problem("git: no such program; install git 2.39 or later") from None


def _feed(pipe: IO[bytes], parts: Iterable[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:
        for part in parts:
            pipe.write(part)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failure(arguments: Sequence[str], where: str, code: int, errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines or [f"exit status {code}"]
    return f"{where}: git {arguments[0]} failed: {told[0][:300]}"
