"""Blobs by object id from a repository that lies elsewhere: many in a request, into a repository on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from themis.repositories import git
from themis.repositories.network import REFUSED, Network, Unreached
from themis.repositories.objects import sizes_in

_LACKED = re.compile(r"not our ref ([0-9a-f]{40,64})")
_BY_ID_REFUSED = "Server does not allow request for unadvertised object"
_WHOLE = "whole"  # a file that says that everything was fetched
_OMITTED = "did not send all necessary objects"
# Nothing is negotiated, because nothing here is of use to the host; what is sent becomes one pack, never loose files.
_SETTINGS = {"fetch.negotiationAlgorithm": "noop", "fetch.unpackLimit": "1", "protocol.version": "2"}


class TooMuch(Exception):
    """What was asked for fills more disk than one request may; nothing of it was kept."""


def bring(url: str, oids: Sequence[str], into: Path, network: Network) -> bool:
    """Bring the blobs `oids` from `url` into the git directory `into`; those that the host lacks are not there then.

    A host that gives out no single objects is asked for the whole repository, where the limits allow that: then the
    answer is True, and every other blob of it is there as well. A blob that is asked for by its id is sent however large
    it is (git's --filter does not apply to it), so that the disk filled is watched and the request ended at its limit.
    Raises Unreached where the host was given up, TooMuch at the limit.
    """
    if not into.exists():
        prepare(into, sha256=any(len(oid) == 64 for oid in oids))
    if (into / _WHOLE).exists():
        return True
    groups = [list(dict.fromkeys(oids))]
    while groups:
        wanted = groups.pop()
        lacked = network.ask(url, lambda wanted=wanted: _request(url, wanted, into, network))
        if lacked is None:
            _whole(url, into, network)
            (into / _WHOLE).touch()
            return True
        if lacked:
            wanted = [oid for oid in wanted if oid not in lacked]
            if wanted:
                groups.append(wanted)
        else:  # some may have been left out without a word
            absent = [oid for oid, size in sizes_in(into, wanted) if size is None]
            if absent and len(absent) < len(wanted):
                groups.append(absent)
            elif len(absent) > 1:
                groups += [absent[: len(absent) // 2], absent[len(absent) // 2 :]]
    return False


def prepare(into: Path, *, sha256: bool = False, objects: Path | None = None) -> None:
    """Make a git directory that blobs can be brought into, with objects of its own or those of a clone.

    A clone without contents is not used itself: git would go and fetch whatever it lacks as soon as that is looked at.
    """
    (into / "refs").mkdir(parents=True)
    if objects is None:
        (into / "objects" / "pack").mkdir(parents=True)
    else:
        (into / "objects").symlink_to(objects.resolve(), target_is_directory=True)
    (into / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
    settings = f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = true\n"
    settings += "[extensions]\n\tobjectformat = sha256\n" if sha256 else ""
    (into / "config").write_text(settings, encoding="ascii")


def _request(url: str, oids: list[str], into: Path, network: Network) -> set[str] | None:
    """Ask once. The objects the host says it lacks, on which account it sent none; None: it gives out no single ones."""
    feed = b"".join(oid.encode("ascii") + b"\n" for oid in oids)
    try:
        _fetch(["--stdin", "--", url], url, into, network, feed)
    except git.GitProblem as problem:
        if lacked := _LACKED.findall(problem.said):
            return set(lacked)
        if _BY_ID_REFUSED in problem.said:
            return None
        if _OMITTED not in problem.said:
            raise
    return set()


def _whole(url: str, into: Path, network: Network) -> None:
    if not network.limits.whole_clones:
        raise Unreached(f"{url}: the host gives out no single files, and whole_clones is off", REFUSED)
    try:
        network.ask(url, lambda: _fetch(["--", url, "+refs/*:refs/*"], url, into, network))
    except TooMuch:
        raise Unreached(
            f"{url}: the host gives out no single files, and the repository fills more than scratch_mb", REFUSED
        ) from None


def _fetch(arguments: list[str], url: str, into: Path, network: Network, feed: bytes = b"") -> None:
    packs = into / "objects" / "pack"
    for path in packs.glob("tmp_*"):  # of a request that was cut off
        path.unlink(missing_ok=True)
    git.run(
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no",
         *arguments],
        where=url,
        git_dir=into,
        environment={**network.environment(url), **_variables(_SETTINGS)},
        feed=feed,
        timeout=network.limits.request_s,
        watch=_bounded(packs, network),
    )  # fmt: skip


def _variables(settings: dict[str, str]) -> dict[str, str]:
    pairs = {}
    for i, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    return {"GIT_CONFIG_COUNT": str(len(settings)), **pairs}


def _bounded(packs: Path, network: Network) -> Callable[[], None]:
    most = _size(packs) + network.limits.scratch_mb * 1_000_000

    def look() -> None:
        network.watch()
        if _size(packs) > most:
            raise TooMuch

    return look


def _size(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # renamed meanwhile
            continue
    return total
