"""Open a repository through a shadow git directory, so that nothing its own configuration says can take effect.

The shadow borrows the objects and references and has its own empty configuration: the original's hooks, filters, text
converters, file system monitor, partial-clone remotes and signature programs do not exist in it.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from themis.errors import Problem
from themis.repositories import git
from themis.repositories.find import git_directory

_HEAD = re.compile(rb"(ref: refs/[^\s\0]+|[0-9a-f]{40}([0-9a-f]{24})?)\s*")
_MAIN_LINES = ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master")


@dataclass(frozen=True)
class Repository:
    """An open repository. `references` are (name, commit) of every branch, sorted; `head` is the main line's commit."""

    folder: Path
    shadow: Path
    objects: Path
    head: str
    references: tuple[tuple[str, str], ...]
    shallow: frozenset[str]  # commits whose parents were cut off
    origin: str | None  # the URL it says it was cloned from

    @property
    def tips(self) -> list[str]:
        """The commits every other one is reached from."""
        return sorted({self.head, *(commit for _, commit in self.references)})

    def run(self, *arguments: str, feed: bytes = b"") -> bytes:
        """The output of a git command in this repository. Raises Problem where it fails."""
        return git.run(arguments, where=str(self.folder), feed=feed, **_setting(self.shadow, self.objects))

    def stream(self, *arguments: str, feed: Iterable[bytes] = ()) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The output of a git command in this repository as a stream."""
        return git.stream(arguments, where=str(self.folder), feed=feed, **_setting(self.shadow, self.objects))


@contextlib.contextmanager
def open_repository(folder: Path) -> Iterator[Repository]:
    """Open the repository in `folder`: bare, a work tree, or the only child of the folder.

    Raises Problem where there is no repository, or none with a commit.
    """
    folder = Path(folder)
    own = git_directory(folder)
    common = _common(own)
    with tempfile.TemporaryDirectory(prefix="themis-git-") as place:
        shadow, objects = Path(place), common / "objects"
        _cast(shadow, own, common, folder)
        setting = {"where": str(folder), **_setting(shadow, objects)}
        references = _references(setting)
        head = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], accept=(0, 1, 128), **setting)
        yield Repository(
            folder=folder,
            shadow=shadow,
            objects=objects,
            head=head.decode().strip() or _main_line(references, folder),
            references=references,
            shallow=_shallow(common),
            origin=_own_setting(common, "remote.origin.url"),
        )


def _setting(shadow: Path, objects: Path) -> dict[str, object]:
    # By variable and not by link: alternates given relative to the objects must still be found.
    return {"git_dir": shadow, "environment": {"GIT_OBJECT_DIRECTORY": str(objects)}}


def _cast(shadow: Path, own: Path, common: Path, folder: Path) -> None:
    with (own / "HEAD").open("rb") as stream:
        head = stream.read(4096)
    if not _HEAD.fullmatch(head):
        raise Problem(f"{folder}: HEAD is neither a branch nor a commit; the repository is damaged")
    (shadow / "HEAD").write_bytes(head)
    for name in ("packed-refs", "shallow"):
        if (common / name).is_file():
            (shadow / name).symlink_to(common / name)
    if (common / "refs").is_dir():
        (shadow / "refs").symlink_to(common / "refs")
    else:
        (shadow / "refs").mkdir()
    settings = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
    if _own_setting(common, "extensions.objectformat") == "sha256":
        settings += "[extensions]\n\tobjectformat = sha256\n"
    (shadow / "config").write_text(settings, encoding="ascii")


def _common(own: Path) -> Path:
    pointer = own / "commondir"  # of a linked work tree
    return (own / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else own


def _own_setting(common: Path, key: str) -> str | None:
    """One value of the repository's configuration file, read as text: without includes, and in force nowhere."""
    path = common / "config"
    if not path.is_file():
        return None
    arguments = ["config", "--file", str(path), "--no-includes", "--get", key]
    value = git.run(arguments, where=str(path), accept=(0, 1, 2, 3, 128))
    return value.decode(errors="replace").strip() or None


def _references(setting: dict[str, object]) -> tuple[tuple[str, str], ...]:
    arguments = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/remotes"]
    lines = git.run(arguments, **setting).decode(errors="replace").splitlines()
    return tuple(sorted((name, commit) for commit, name in (line.split(" ", 1) for line in lines)))


def _main_line(references: Sequence[tuple[str, str]], folder: Path) -> str:
    """The commit to take for HEAD where HEAD names a branch that does not exist."""
    known = dict(references)
    if not known:
        raise Problem(f"{folder}: the repository is empty (no commit on any branch); leave it out")
    return known[next((name for name in _MAIN_LINES if name in known), min(known))]


def _shallow(common: Path) -> frozenset[str]:
    path = common / "shallow"
    return frozenset(path.read_text(encoding="ascii", errors="replace").split()) if path.is_file() else frozenset()
