"""What commit messages say they revert, and what is reverted once reverts of reverts are taken into account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The first line of a squashed request (GitHub, GitLab, Bitbucket); in syntax that RE2 has too, for SQL over many rows.
SQUASH = r"\((?:[Pp]ull request )?([#!][0-9]+)\)\s*$"
_SQUASH = re.compile(SQUASH)
_MERGE = re.compile(r"Merge pull request (#[0-9]+)\b")
_TRAILER = re.compile(r"(?m)^See merge request [^\s!]*(![0-9]+)\s*$")
_COMMIT = re.compile(
    r"[Tt]his reverts commit ([0-9a-f]{7,64})\b(?:,\s+reversing\s+changes\s+made\s+to\s+([0-9a-f]{7,64})\b)?"
)
_OF_REQUEST = re.compile(r"(?m)^(?:Reverts|This reverts merge request) [^\s#!]*([#!][0-9]+)\b")
_SUBJECT = re.compile(r'(Revert|Reapply) "(.+)"(?: \([#!][0-9]+\))?\s*')


@dataclass(frozen=True, slots=True)
class Claim:
    """What one message says it reverts; where it names commits, nothing else is asked.

    `commits` are (hash, perhaps abbreviated; the parent that a merge is taken back to, or None); `request` is a pull or
    merge request such as "#12" or "!12"; `subject` the first line of the commit meant.
    """

    commits: tuple[tuple[str, str | None], ...] = ()
    request: str | None = None
    subject: str | None = None


def claim_of(subject: str, message: str) -> Claim | None:
    """What a commit says it reverts, or None. Source: what git, GitHub and GitLab write into the message of a revert."""
    commits = tuple((found[1], found[2]) for found in _COMMIT.finditer(message))
    if commits:
        return Claim(commits)
    request = _OF_REQUEST.search(message)
    named = _SUBJECT.fullmatch(subject)
    if not request and not named:
        return None
    # Since git 2.43 the revert of a revert is called Reapply.
    meant = named and (named[2] if named[1] == "Revert" else f'Revert "{named[2]}"')
    return Claim((), request[1] if request else None, meant or None)


def request_of(subject: str, message: str) -> str | None:
    """The pull or merge request that a squash or merge commit brought in, such as "#12" or "!12"; None where none."""
    found = _SQUASH.search(subject) or _MERGE.match(subject) or _TRAILER.search(message)
    return found[1] if found else None


def undone(reverts: Iterable[tuple[str, Iterable[str]]]) -> set[str]:
    """The commits reverted in the end, from (reverting commit, commits it undoes), the newest first.

    By the time a revert is met, it is known whether it is reverted itself: then it undoes nothing.
    """
    reverted: set[str] = set()
    for commit, targets in reverts:
        if commit not in reverted:
            reverted.update(targets)
    return reverted
