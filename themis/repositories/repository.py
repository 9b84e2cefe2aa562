"""Open a repository through a shadow git directory, so that nothing its own configuration says can take effect.

The shadow links the objects and references and has its own empty configuration: the original's hooks, filters, text
converters, file system monitor, partial-clone remotes and signature programs do not exist in it. Alternates are the
shadow's own, too, so that git borrows from no folder that was not checked.
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
from themis.repositories.bounds import Bounds, pointed
from themis.repositories.find import git_directory

_HEAD = re.compile(rb"(ref: refs/[^\s\0]+|[0-9a-f]{40}([0-9a-f]{24})?)\s*")
_STORE = re.compile(r"[0-9a-f]{2}|pack")
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MAIN_LINES = ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master")


@dataclass(frozen=True)
class Repository:
    """An open repository. `references` are (name, commit) of every branch, sorted; `head` is the main line's commit."""

    folder: Path
    shadow: Path
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
        return git.run(arguments, where=str(self.folder), feed=feed, git_dir=self.shadow)

    def stream(self, *arguments: str, feed: Iterable[bytes] = ()) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The output of a git command in this repository as a stream."""
        return git.stream(arguments, where=str(self.folder), feed=feed, git_dir=self.shadow)


@contextlib.contextmanager
def open_repository(folder: Path, also: Iterable[Path] = ()) -> Iterator[Repository]:
    """Open the repository in `folder`: bare, a work tree, or the only child of the folder.

    Links, alternates and pointers may lead to the folders of `also`, the other repositories of the run, and nowhere else
    outside; a linked work tree or a submodule may lead to the repository that says it has it.
    Raises Problem where there is no repository, or none with a commit, or something leads elsewhere.
    """
    folder = Path(folder)
    with tempfile.TemporaryDirectory(prefix="themis-git-") as place:
        try:
            opened = _open(folder, tuple(map(Path, also)), Path(place))
        except (OSError, RuntimeError) as error:  # no permission, a name that is too long, a loop of links
            told = getattr(error, "strerror", None) or "not readable"
            raise Problem(f"{folder}: {told}; the repository is damaged") from None
        yield opened


def _open(folder: Path, also: tuple[Path, ...], shadow: Path) -> Repository:
    own = git_directory(folder)
    common = _common(own, folder)
    bounds = Bounds(folder, _own_places(folder, own, common), also)
    for name in (own, own / "HEAD", common, *(common / name for name in ("config", "packed-refs", "shallow"))):
        bounds.inside(name)
    settings = _own_settings(common)
    if settings.get("extensions.refstorage", "files") != "files":
        raise Problem(f"{folder}: keeps its references in a form that is not read; use `git refs migrate`")
    _cast(shadow, own, common, bounds, settings.get("extensions.objectformat") == "sha256")
    setting = {"where": str(folder), "git_dir": shadow}
    references = _references(setting)
    head = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], accept=(0, 1, 128), **setting)
    return Repository(
        folder=folder,
        shadow=shadow,
        head=head.decode().strip() or _main_line(references, folder),
        references=references,
        shallow=_shallow(common, folder),
        origin=settings.get("remote.origin.url"),
    )


def _cast(shadow: Path, own: Path, common: Path, bounds: Bounds, sha256: bool) -> None:
    with (own / "HEAD").open("rb") as stream:
        head = stream.read(4096)
    if not _HEAD.fullmatch(head):
        raise Problem(f"{bounds.folder}: HEAD is neither a branch nor a commit; the repository is damaged")
    (shadow / "HEAD").write_bytes(head)
    for name in ("packed-refs", "shallow"):
        if (common / name).is_file():
            (shadow / name).symlink_to(common / name)
    bounds.files(common / "refs")
    if (common / "refs").is_dir():
        (shadow / "refs").symlink_to(common / "refs")
    else:
        (shadow / "refs").mkdir()
    _cast_objects(shadow, bounds.stores(common / "objects"))
    settings = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\tmultiPackIndex = false\n"
    if sha256:
        settings += "[extensions]\n\tobjectformat = sha256\n"
    (shadow / "config").write_text(settings, encoding="ascii")


def _cast_objects(shadow: Path, stores: Sequence[Path]) -> None:
    """Link what holds objects and nothing else: alternates, commit graph and pack lists are left behind."""
    places = [shadow / "objects", *(shadow / "alternates" / str(i) for i in range(1, len(stores)))]
    for place, store in zip(places, stores, strict=True):
        place.mkdir(parents=True)
        for child in store.iterdir():
            if _STORE.fullmatch(child.name):
                (place / child.name).symlink_to(child)
    (shadow / "objects" / "info").mkdir(parents=True)
    lines = "".join(f"{place}\n" for place in places[1:])
    (shadow / "objects" / "info" / "alternates").write_text(lines, encoding="utf-8")


def _common(own: Path, folder: Path) -> Path:
    """The git directory that a linked work tree shares; its own one lies within, always."""
    if not (own / "commondir").exists():
        return own
    common = pointed(own / "commondir")
    if common is None or not own.is_relative_to(common.resolve()):
        raise Problem(f"{folder}: commondir names no repository of this work tree; the repository is damaged")
    return common.resolve()


def _own_places(folder: Path, own: Path, common: Path) -> tuple[Path, ...]:
    """The folder, and the git directory outside of it where that one names the folder as a work tree of its own."""
    here = folder.resolve()
    if common.is_relative_to(here):
        return (here,)
    claimed = pointed(own / "gitdir")  # of a linked work tree
    if claimed is None and (tree := _own_settings(own).get("core.worktree")):  # of a submodule
        claimed = own / tree / ".git"
    trees = (here / ".git", *(child / ".git" for child in here.iterdir()))
    return (here, common) if claimed is not None and claimed.resolve() in trees else (here,)


def _own_settings(common: Path) -> dict[str, str]:
    """The repository's configuration file, read as text: without includes, and in force nowhere."""
    path = common / "config"
    if not path.is_file():
        return {}
    arguments = ["config", "--file", str(path), "--no-includes", "--null", "--list"]
    entries = git.run(arguments, where=str(path), accept=(0, 1, 2, 3, 128)).decode(errors="replace").split("\0")
    return {key: value.strip() for key, _, value in (entry.partition("\n") for entry in entries)}


def _references(setting: dict[str, object]) -> tuple[tuple[str, str], ...]:
    arguments = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/remotes"]
    lines = git.run(arguments, **setting).split(b"\n")[:-1]
    pairs = (line.split(b" ", 1) for line in lines)
    return tuple(sorted((name.decode(errors="backslashreplace"), commit.decode()) for commit, name in pairs))


def _main_line(references: Sequence[tuple[str, str]], folder: Path) -> str:
    """The commit to take for HEAD where HEAD names a branch that does not exist."""
    known = dict(references)
    if not known:
        raise Problem(f"{folder}: the repository is empty (no commit on any branch); leave it out")
    return known[next((name for name in _MAIN_LINES if name in known), min(known))]


def _shallow(common: Path, folder: Path) -> frozenset[str]:
    path = common / "shallow"
    cut = path.read_text(encoding="ascii", errors="replace").split() if path.is_file() else []
    if not all(map(_HASH.fullmatch, cut)):
        raise Problem(f"{folder}: the file `shallow` is no list of commits; the repository is damaged")
    return frozenset(cut)
