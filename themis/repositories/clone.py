"""Bare clones of repositories given by URL: history only where the host allows it, brought up to date in every run."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from themis.errors import Problem
from themis.repositories import git
from themis.repositories.fetch import TooMuch, bring, prepare
from themis.repositories.naming import name_of_url
from themis.repositories.network import Network, Unreached
from themis.repositories.objects import sizes_in
from themis.repositories.urls import host_of

_REFERENCES = ("refs/heads/*", "refs/tags/*")
_LEFTOVERS = ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*")  # of an update that was killed
_MOST_FILES = 500


def clone(url: str, clones: Path, network: Network | None = None) -> Path:
    """The folder of a bare clone of `url` below `clones`, as the host has it now.

    Without the contents of files where the host filters (`blob:none`), but for those at the top level of HEAD, which say
    the licence. A clone that is there is brought up to date, by one small request where nothing has changed; where the
    host is not reached, it is used as it is, and a line on stderr says so. A kill at any time leaves a clone that can be
    used, or none.
    Raises Problem for a URL that is not cloned, where the host is not reached and there is no clone, and where another
    URL's clone has the place.
    """
    host_of(url)
    network = network or Network()
    folder = Path(clones) / (name_of_url(url).replace("/", "+") + ".git")
    Path(clones).mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        for unfinished in folder.parent.glob(f".{folder.name}.*.part"):  # of a run that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        new = not folder.exists()
        if new:
            _make(url, folder, network)
        elif (found := _origin(folder)) != url:
            raise Problem(f"{folder}: holds a clone of {found}, not of {url}; give another folder for the clones")
        try:
            if not new:
                _update(url, folder, network)
            _complete(url, folder, network)
        except Unreached as problem:
            tqdm.write(f"{problem}; its clone is used as it is", file=sys.stderr)
    return folder


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process works on this clone."""
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(url: str, folder: Path, network: Network) -> None:
    def request() -> None:
        with _place(folder) as place:
            unfinished = place / "clone"
            git.run(
                ["clone", "--bare", "--quiet", "--filter=blob:none", "--no-hardlinks", "--template=",
                 "--no-recurse-submodules", "--", url, str(unfinished)],
                where=url,
                environment=network.environment(url),
                timeout=None,
                watch=network.watch,
            )  # fmt: skip
            unfinished.rename(folder)

    network.ask(url, request)


def _origin(folder: Path) -> str:
    arguments = ["config", "--file", str(folder / "config"), "--no-includes", "--get", "remote.origin.url"]
    return git.run(arguments, where=str(folder), accept=(0, 1)).decode(errors="replace").strip()


def _update(url: str, folder: Path, network: Network) -> None:
    """Fetch what has changed, all references or none; a full clone stays full."""
    environment = network.environment(url)
    for pattern in _LEFTOVERS:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    arguments = ["ls-remote", "--quiet", "--symref", "--", url, "HEAD", *_REFERENCES]
    told = network.ask(url, lambda: git.run(arguments, where=url, environment=environment))
    main, theirs = _told(told.decode(errors="surrogateescape"))
    if theirs != _references(folder):
        every = [f"+{pattern}:{pattern}" for pattern in _REFERENCES]
        network.ask(
            url,
            lambda: git.run(
                ["fetch", "--quiet", "--atomic", "--prune", "--no-tags", "--no-write-fetch-head",
                 "--no-auto-maintenance", "--recurse-submodules=no", "--", "origin", *every],
                where=url,
                git_dir=folder,
                environment=environment,
                timeout=None,
                watch=network.watch,
            ),
        )  # fmt: skip
    if main is not None and main != (folder / "HEAD").read_text(encoding="utf-8").strip().removeprefix("ref: "):
        git.run(["symbolic-ref", "HEAD", main], where=str(folder), git_dir=folder)


def _told(listing: str) -> tuple[str | None, dict[str, str]]:
    """The branch that HEAD names, and the objects of branches and tags, from the lines of ls-remote."""
    main, references = None, {}
    for line in listing.splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: "):
            main = value.removeprefix("ref: ")
        elif name.startswith("refs/") and not name.endswith("^{}"):
            references[name] = value
    return main, references


def _references(folder: Path) -> dict[str, str]:
    arguments = ["for-each-ref", "--format=%(objectname)\t%(refname)", "refs/heads", "refs/tags"]
    return _told(git.run(arguments, where=str(folder), git_dir=folder).decode(errors="surrogateescape"))[1]


def _complete(url: str, folder: Path, network: Network) -> None:
    """Bring the files at the top level of HEAD that the clone lacks, the plainest names first."""
    arguments = ["ls-tree", "-z", "--full-tree", "HEAD"]
    listed = git.run(arguments, where=str(folder), git_dir=folder, accept=(0, 128)).split(b"\0")
    files = sorted((len(name), name, facts.split()[2].decode()) for facts, _, name in (e.partition(b"\t") for e in listed)
                   if facts.startswith(b"100"))  # fmt: skip
    wanted = [oid for _, _, oid in files[:_MOST_FILES]]
    if not wanted:
        return
    with _place(folder) as place:
        prepare(place / "view", sha256=len(wanted[0]) == 64, objects=folder / "objects")
        lacking = [oid for oid, size in sizes_in(place / "view", wanted) if size is None]
        if lacking:
            with contextlib.suppress(TooMuch):  # then the licence is not known
                bring(url, lacking, place / "view", network)


@contextlib.contextmanager
def _place(folder: Path) -> Iterator[Path]:
    """A folder beside the clone, on the same disk, that does not outlive its use."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent) as place:
        yield Path(place)
