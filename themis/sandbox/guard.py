"""Run a Python program behind an audit hook: no network, no processes, no native code, no files outside its folder.

Passed to the interpreter as text (`python -c`), with the program's name as its argument; it imports nothing of themis.
An audit hook is a second wall: it stops what Python does in the open, the kernel's walls (launcher.py) stop the rest.
"""

import _posixsubprocess
import os
import runpy
import sys

_PROCESSES = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.kill", "os.killpg")
_NATIVE = ("ctypes", "_ctypes", "cffi", "_cffi_backend", "_testcapi", "_testinternalcapi")
_MEMORY = ("gc.get_objects", "gc.get_referrers", "gc.get_referents", "code.__new__", "sys.addaudithook")
_LINKS = ("os.symlink", "os.link", "os.chdir", "os.fchdir", "os.chroot", "os.mkfifo", "os.mknod")
_CHANGES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.lchown", "os.utime",
    "os.setxattr", "os.removexattr",
)  # fmt: skip
_REFUSED = frozenset((*_PROCESSES, *_MEMORY, *_LINKS))
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_READABLE = ("/usr/lib", "/usr/share/zoneinfo", "/lib", "/lib64", "/etc/localtime", "/dev/null", "/dev/urandom")


def _hook(folder: str):
    readable = tuple(os.path.realpath(path) for path in (folder, sys.base_prefix, sys.prefix, *_READABLE))
    real, sep, error = os.path.realpath, os.sep, PermissionError

    def below(path: object, roots: tuple) -> bool:
        name = real(os.fsdecode(path))
        return any(name == root or name.startswith(root + sep) for root in roots)

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(path, int):
                return
            writes = isinstance(flags, int) and flags & _WRITING
            if path is not None and not below(path, (folder,) if writes else readable) and path != os.devnull:
                raise error(f"sandbox: {path!r} is outside the working folder")
        elif event == "import":
            if args[0] in _NATIVE:
                raise error(f"sandbox: {args[0]} is refused")
        elif event.startswith(("socket.", "subprocess.", "ctypes.")) or event in _REFUSED:
            raise error(f"sandbox: {event} is refused")
        elif event in _CHANGES:
            if not all(below(path, (folder,)) for path in args if isinstance(path, str | bytes)):
                raise error(f"sandbox: {event} outside the working folder")
        elif event in ("os.listdir", "os.scandir") and not below(args[0] or ".", readable):
            raise error(f"sandbox: {args[0]!r} is outside the working folder")

    return hook


def _no_processes(*_: object) -> None:
    raise PermissionError("sandbox: a new process is refused")


def _main() -> None:
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    folder = os.path.realpath(".")
    sys.path.insert(0, folder)
    _posixsubprocess.fork_exec = _no_processes  # raises no audit event of its own
    sys.addaudithook(_hook(folder))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    _main()
