"""How each commit of a clone reached its main line, and whether it was reverted there: noted while its log passes."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from themis.mine.reverts import Claim, claim_of, request_of, undone
from themis.repositories.log import Commit, main_line, merged_by
from themis.repositories.repository import Repository


@dataclass(slots=True)
class _Revert:
    """A commit that reverts, and what was found for the request or subject that it names."""

    commit: str
    claim: Claim
    by_request: str | None = None
    by_subject: str | None = None


class MergeState:
    """Notes the commits of one repository in the order of its log, each before its parents.

    A commit of the main line (all that HEAD reaches) came in `direct` (it lies on the first-parent line), `squash`
    (so too, and its message names the request it was) or by `merge` (a merge commit, or what one brought in). A request
    that was rebased onto the main line leaves no mark and counts as direct.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._reached = main_line(repository)
        self._next: str | None = repository.head
        self._how: dict[str, str | None] = {}
        self._merges: dict[str, tuple[str, ...]] = {}
        self._reverts: list[_Revert] = []
        # Reverts that wait for an older commit to be the one they mean.
        self._requests: defaultdict[str, list[_Revert]] = defaultdict(list)
        self._subjects: defaultdict[str, list[_Revert]] = defaultdict(list)

    def note(self, commit: Commit) -> None:
        """Take the next commit of the log into account."""
        if commit.commit not in self._reached:
            self._how[commit.commit] = None
            return
        request = request_of(commit.subject, commit.message)
        merge = len(commit.parents) > 1
        first_line = commit.commit == self._next
        if first_line:
            self._next = commit.parents[0] if commit.parents else None
        if merge:
            self._merges[commit.commit] = commit.parents
        self._how[commit.commit] = "merge" if merge or not first_line else "squash" if request else "direct"
        for revert in self._requests.pop(request, []) if request else []:
            revert.by_request = commit.commit
        for revert in self._subjects.pop(commit.subject, []):
            revert.by_subject = commit.commit
        if claim := claim_of(commit.subject, commit.message):
            self._wait(_Revert(commit.commit, claim))

    def rows(self) -> list[tuple[str, bool, bool, str | None]]:
        """(commit, merged, reverted, how) of all commits noted, sorted by hash. A revert counts on the main line only."""
        hashes = sorted(self._how)
        reverted = undone((revert.commit, self._targets(revert, hashes)) for revert in self._reverts)
        return [(commit, self._how[commit] is not None, commit in reverted, self._how[commit]) for commit in hashes]

    def _wait(self, revert: _Revert) -> None:
        self._reverts.append(revert)
        if revert.claim.request:
            self._requests[revert.claim.request].append(revert)
        if revert.claim.subject:
            self._subjects[revert.claim.subject].append(revert)

    def _targets(self, revert: _Revert, hashes: list[str]) -> Iterator[str]:
        """What a revert undoes, and with a merge all that it brought in."""
        found = revert.by_request or revert.by_subject
        for target, parent in revert.claim.commits or ([(found, None)] if found else []):
            commit = _complete(target, hashes)
            if commit is None:
                continue
            yield commit
            if parents := self._merges.get(commit):
                onto = next((known for known in parents if parent and known.startswith(parent)), parents[0])
                yield from merged_by(self._repository, commit, onto)


def _complete(target: str, hashes: list[str]) -> str | None:
    """The one hash that begins so, or None where there is none or more than one."""
    at = bisect.bisect_left(hashes, target)
    found = [commit for commit in hashes[at : at + 2] if commit.startswith(target)]
    return found[0] if len(found) == 1 else None
