"""Git repositories written by the tests themselves, through `git fast-import`, with fixed dates."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

_ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def _git(folder: Path, *arguments: str, feed: bytes = b"", check: bool = True) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], input=feed, capture_output=True, env=_ENVIRONMENT, check=check
    )
    return done.stdout


class History:
    """A bare repository that grows commit by commit; a commit is called by a mark and known by its hash."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", *options)

    def git(self, *arguments: str, feed: bytes = b"", check: bool = True) -> str:
        return _git(self.folder, *arguments, feed=feed, check=check).decode(errors="surrogateescape").strip()

    def commit(
        self,
        files: Mapping[bytes | str, object],
        message: bytes | str = "a commit of the test",
        *,
        parents: Sequence[str] = (),
        branch: str = "main",
        when: int = 1_500_000_000,
        author: str = "Ada <ada@example.org>",
        encoding: str | None = None,
    ) -> str:
        """Make a commit; a file is bytes or text, None (deleted), or (mode, contents or submodule commit)."""
        raw = message if isinstance(message, bytes) else message.encode()
        out = bytearray(f"commit refs/heads/{branch}\nmark :1\nauthor {author} {when} +0000\n".encode())
        out += f"committer {author} {when} +0000\n".encode()
        if encoding:
            out += f"encoding {encoding}\n".encode()
        out += b"data %d\n%s\n" % (len(raw), raw)
        for i, parent in enumerate(parents):
            out += f"{'merge' if i else 'from'} {parent}\n".encode()
        for name, entry in files.items():
            path = name if isinstance(name, bytes) else name.encode()
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'
            if entry is None:
                out += b"D " + quoted + b"\n"
                continue
            mode, contents = entry if isinstance(entry, tuple) else ("100644", entry)
            if mode == "160000":
                out += f"M 160000 {contents} ".encode() + quoted + b"\n"
            else:
                data = contents if isinstance(contents, bytes) else contents.encode()
                out += f"M {mode} inline ".encode() + quoted + b"\ndata %d\n%s\n" % (len(data), data)
        marks = self.folder / "marks"
        self.git("fast-import", "--quiet", "--force", f"--export-marks={marks}", feed=bytes(out))
        return marks.read_text().split()[1]


@pytest.fixture
def history(tmp_path: Path) -> Callable[..., History]:
    """Start a history in `tmp_path`/<name>."""
    return lambda name, *options: History(tmp_path / name, *options)
