"""Write a history as a bare git repository: one `git fast-import`, whatever the number of commits."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from themis.demo.history import Commit, History
from themis.demo.people import Person
from themis.errors import Problem


def write_repository(history: History, path: Path) -> list[str]:
    """Create the bare repository at `path` with HEAD on main, and return the hash of each commit in order.

    No setting of the machine, the user or the environment has a part in it. Raises Problem where git fails.
    """
    _run(["git", "init", "--quiet", "--bare", "--template=", "-b", "main", str(path)])
    command = ["git", "-c", "fastimport.unpackLimit=0", f"--git-dir={path}", "fast-import", "--quiet", "--done"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment())
    assert process.stdin and process.stdout and process.stderr
    hashes: list[str] = []
    try:
        for commit in history.commits:
            hashes.append(_import(commit, hashes, process.stdin, process.stdout))
        for name, position in history.heads().items():
            process.stdin.write(f"reset refs/heads/{name}\nfrom :{position + 1}\n\n".encode())
        process.stdin.write(b"done\n")
    except BrokenPipeError:
        pass  # git says why on its way out
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        errors = process.stderr.read().decode("utf-8", "replace").strip()
        process.stdout.close()
        process.stderr.close()
        process.wait()
    if process.returncode:
        raise Problem(f"{path}: git fast-import failed: {(errors.splitlines() or ['it gave no reason'])[0]}")
    return hashes


def _import(commit: Commit, hashes: Sequence[str], stream: IO[bytes], answers: IO[bytes]) -> str:
    message = commit.message
    if commit.reverts is not None:
        message = message.replace("{sha}", hashes[commit.reverts])
    lines = [
        b"commit refs/heads/main",
        f"mark :{len(hashes) + 1}".encode(),
        _signature("author", commit.author, commit.time),
        _signature("committer", commit.committer, commit.time),
        _data(message.encode() + b"\n"),
        *(f"{'merge' if i else 'from'} :{parent + 1}".encode() for i, parent in enumerate(commit.parents)),
    ]
    for path, contents in commit.changes.items():
        if contents is None:
            lines.append(b"D " + _quoted(path))
        else:
            lines += [b"M 100644 inline " + _quoted(path), _data(contents)]
    stream.write(b"\n".join(lines) + f"\n\nget-mark :{len(hashes) + 1}\n".encode())
    stream.flush()
    answer = answers.readline().decode().strip()
    if not answer:
        raise BrokenPipeError
    return answer


def _signature(role: str, person: Person, time: int) -> bytes:
    return f"{role} {person.name} <{person.email}> {time} {person.zone}".encode()


def _data(contents: bytes) -> bytes:
    return b"data %d\n%b" % (len(contents), contents)


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Problem("git is not installed, or not on PATH; install it") from None
    if done.returncode:
        raise Problem(f"{' '.join(command[:2])} failed: {(done.stderr.splitlines() or ['no message'])[0]}")


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
