"""A repository's history in memory: commits on a main line, side branches, merges; dates are given at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from themis import chance
from themis.demo.people import HOST, Person

Changes = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Commit:
    """One commit. `parents` and `reverts` are positions in the history; a change to None deletes the path.

    `kind` is improvement or the kind of noise; `path` is the one file of a commit that changes one, else "".
    Lengths are in characters, 0 where there is no text. The message may hold {sha}, the hash of what it reverts.
    """

    parents: tuple[int, ...]
    changes: Changes
    message: str
    author: Person
    committer: Person
    kind: str
    path: str = ""
    criterion: str = ""
    family: str = ""
    old_length: int = 0
    new_length: int = 0
    reverts: int | None = None
    time: int = 0


class History:
    """Commits in an order in which every parent comes first; `tree` is what the main line's tip holds."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.tree: dict[str, bytes] = {}
        self.tip: int | None = None
        self.branches: dict[str, int] = {}
        self.shared = 0  # commits at the front that another repository holds too

    def commit(
        self,
        changes: Changes,
        message: str,
        author: Person,
        kind: str,
        *,
        criterion: str = "",
        family: str = "",
        reverts: int | None = None,
        beside: bool = False,
    ) -> int:
        """Add a commit on top of the main line, which moves to it unless it is beside it; return its position."""
        path = next(iter(changes)) if len(changes) == 1 else ""
        self.commits.append(
            Commit(
                parents=() if self.tip is None else (self.tip,),
                changes=dict(changes),
                message=message,
                author=author,
                committer=author,
                kind=kind,
                path=path,
                criterion=criterion,
                family=family,
                old_length=_characters(self.tree.get(path)),
                new_length=_characters(changes[path]) if path else 0,
                reverts=reverts,
            )
        )
        position = len(self.commits) - 1
        if not beside:
            self.tip = position
            self._apply(changes)
        return position

    def merge(self, side: int, message: str, author: Person) -> int:
        """Merge a side commit into the main line, as a host's pull request does."""
        changes = self.commits[side].changes
        assert self.tip is not None
        self.commits.append(Commit((self.tip, side), changes, message, author, HOST, "merge"))
        self._apply(changes)
        self.tip = len(self.commits) - 1
        return self.tip

    def heads(self) -> dict[str, int]:
        """The branches by name, the main line among them."""
        return {**self.branches, "main": self._first_parents()[-1]}

    def date(self, seed: int, name: str, start: int, end: int) -> None:
        """Spread the own commits over start to end (seconds since the epoch), in their order."""
        own = self.commits[self.shared :]
        for i, commit in enumerate(own):
            place = (i + 0.9 * chance.uniform(seed, "time", f"{name} {i}")) / len(own)
            self.commits[self.shared + i] = replace(commit, time=start + int((end - start) * place))

    def fork(self, share: float) -> History:
        """A history that starts with this one's main line up to this share of it, with what was merged there."""
        line = self._first_parents()
        base = line[max(1, int(len(line) * share)) - 1]
        kept = sorted(self._ancestors(base))
        position = {old: new for new, old in enumerate(kept)}
        other = History()
        for old in kept:
            commit = self.commits[old]
            other.commits.append(
                replace(
                    commit,
                    parents=tuple(position[parent] for parent in commit.parents),
                    reverts=None if commit.reverts is None else position[commit.reverts],
                )
            )
            if old in line:
                other._apply(commit.changes)
        other.tip, other.shared = position[base], len(kept)
        return other

    def _apply(self, changes: Changes) -> None:
        for path, contents in changes.items():
            if contents is None:
                del self.tree[path]
            else:
                self.tree[path] = contents

    def _first_parents(self) -> list[int]:
        line = []
        at = self.tip
        while at is not None:
            line.append(at)
            at = self.commits[at].parents[0] if self.commits[at].parents else None
        return line[::-1]

    def _ancestors(self, position: int) -> set[int]:
        found: set[int] = set()
        waiting = [position]
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting += self.commits[at].parents
        return found


def _characters(contents: bytes | None) -> int:
    if contents is None or b"\0" in contents:
        return 0
    try:
        return len(contents.decode())
    except UnicodeDecodeError:
        return len(contents.decode("latin-1"))
