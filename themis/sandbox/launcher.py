"""Confine a process, then become the untrusted program. A script of its own: it imports nothing of themis.

`run` starts it and sends the job as JSON on stdin. What it does, in order, each as far as the kernel allows:
namespaces (network, mounts, processes, IPC), everything read-only but a small in-memory working folder, another user
when started by root, resource limits, exec. It reports over a pipe that the program cannot reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import stat
import struct
import sys
from pathlib import Path

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_PDEATHSIG, _CAPBSET_DROP, _SECUREBITS, _SUBREAPER, _NO_NEW_PRIVS = 1, 24, 28, 36, 38
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Run the job in a child of a child: the first child is process 1 of the namespace and reports how it ended.

    That child leads a process group, which is what to kill; this process ends only when all below it are gone.
    """
    job = json.load(sys.stdin.buffer)
    os.set_inheritable(job["status"], False)
    _libc.prctl(_PDEATHSIG, signal.SIGKILL)  # nothing outlives the process that asked for it
    _libc.prctl(_SUBREAPER, 1)
    root = os.getuid() == 0
    namespaces = _unshare()
    first = os.fork()
    if first:
        with contextlib.suppress(OSError):
            os.setpgid(first, first)
        _report(job, group=first)
        os.close(job["status"])
        _reap(first)
        os._exit(0)
    try:
        os.setpgid(0, 0)
        _libc.prctl(_PDEATHSIG, signal.SIGKILL)
        _supervise(job, namespaces, root)
    except BaseException as error:
        _report(job, error=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)  # as process 1 it takes every process of the namespace with it


def _reap(first: int) -> None:
    """Wait until no process is left below; what outlives the first one is killed."""
    os.waitpid(first, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            with contextlib.suppress(OSError):
                for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            os.wait()


def _supervise(job: dict, namespaces: str, root: bool) -> None:
    guards = ["network namespace", "process namespace"] if namespaces else []
    if namespaces and _mounts(job):
        guards.append("read-only file system")
    _files(job)
    user = root and namespaces != "user" and _reachable(job["argv"][0]) and _hand_over()
    _report(job, guards=[*guards, "other user"] if user else guards)
    program = os.fork()
    if not program:
        try:
            _confine(job, root, user)
            os.execve(job["argv"][0], job["argv"], job["env"])
        except BaseException as error:
            _report(job, error=f"{job['argv'][0]}: {error}")
        finally:
            os._exit(127)
    while True:
        ended, status = os.wait()
        if ended == program:
            return _report(job, code=os.waitstatus_to_exitcode(status))


def _report(job: dict, **facts: object) -> None:
    os.write(job["status"], json.dumps(facts).encode() + b"\n")


def _unshare() -> str:
    """Enter new namespaces; returns how: plain, user (through a user namespace) or nothing where not permitted."""
    flags = _NEWNS | _NEWNET | _NEWPID | _NEWIPC
    if _libc.unshare(flags) == 0:
        return "plain"
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 or _libc.unshare(flags | _NEWUSER) != 0:  # root without rights may not map itself
        return ""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return "user"


def _mounts(job: dict) -> bool:
    """Hide private folders, mount the working folder, make all else read-only; whether all of it worked."""
    folder = job["folder"]
    try:
        _mount(None, "/", None, _REC | _PRIVATE)
        _cover(Path(job["prefix"]))
        Path(folder).mkdir(parents=True, exist_ok=True)
        _mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"size={job['folder_mb']}m,nr_inodes=1024,mode=0700")
        try:
            _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
        except OSError:
            _mount("tmpfs", "/proc", "tmpfs", _NOSUID | _NODEV | _NOEXEC)
        _read_only("/", everything_below=True, yes=True)
        _read_only(folder, everything_below=False, yes=False)
    except OSError:
        return False
    return True


def _read_only(path: str, *, everything_below: bool, yes: bool) -> None:
    attributes = struct.pack("4Q", _RDONLY if yes else 0, 0 if yes else _RDONLY, 0, 0)
    flags = _AT_RECURSIVE if everything_below else 0
    if _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, attributes, len(attributes)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)


def _cover(prefix: Path) -> None:
    """Hide the outermost folder above the interpreter that others may not enter, all but the interpreter itself."""
    for folder in reversed(prefix.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            kept = os.open(prefix, os.O_PATH | os.O_DIRECTORY)
            _mount("tmpfs", str(folder), "tmpfs", _NOSUID | _NODEV, "mode=0755")
            prefix.mkdir(parents=True)
            _mount(f"/proc/self/fd/{kept}", str(prefix), None, _BIND | _REC)
            os.close(kept)
            return


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    if _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _reachable(program: str) -> bool:
    """Whether a user without any rights may enter every folder above the program."""
    return all(not folder.exists() or folder.stat().st_mode & stat.S_IXOTH for folder in Path(program).parents)


def _files(job: dict) -> None:
    os.chdir(job["folder"])
    os.umask(0o077)
    for name, text in job["files"].items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")


def _hand_over() -> bool:
    """Give the working folder to nobody; false where a container knows no such user."""
    try:
        for path in (*Path().rglob("*"), Path()):
            os.chown(path, _NOBODY, _NOBODY)
    except OSError:
        return False
    return True


def _confine(job: dict, root: bool, user: bool) -> None:
    """Limits and rights of this process, for good."""
    for name, value in job["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if root:
        for capability in range(64):
            _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
        _libc.prctl(_SECUREBITS, 3, 0, 0, 0)  # exec gives user 0 no capabilities
    if user:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
