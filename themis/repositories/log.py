"""The commits of all branches as a stream, from one `git log`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from themis.errors import Problem
from themis.repositories.repository import Repository

_FIELDS = ("%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%s", "%B")
_LOG = (
    "log", "--stdin", "--topo-order", "--raw", "-z", "--no-abbrev", "--no-renames", "--root", "--diff-merges=off", "--no-ext-diff",
    "--no-textconv", "--no-color", "--no-notes", "--no-show-signature", "--no-mailmap", "--encoding=UTF-8",
    "--ignore-submodules=none", "--format=tformat:" + "%x00".join(_FIELDS),
)  # fmt: skip
_CHUNK = 1 << 20
# Of one commit so many changes are kept; and of a commit or tree with more files than any real one has, such as one that
# names the same tree over and over, none is read.
MAX_DIFFERENCES = 10_000
MAX_FILES = 4_000_000


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote or committed, and when (seconds since the epoch; None where git has no valid date)."""

    name: str
    email: str
    time_sec: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed file; mode, path and object are None on the side where the file does not exist."""

    old_mode: int | None
    new_mode: int | None
    old_path: str | None
    new_path: str | None
    old_sha1: str | None
    new_sha1: str | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; merges have no differences, a root commit adds all its files, a rename is a deletion and an addition.

    `truncated` tells that there are more than MAX_DIFFERENCES, of which the first are here.
    """

    commit: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    subject: str
    message: str
    differences: tuple[Difference, ...]
    truncated: bool = False


def read_log(repository: Repository) -> Iterator[Commit]:
    """Every commit that a branch or HEAD reaches, each before its parents. No file contents are read.

    Messages are decoded by the encoding the commit names, otherwise UTF-8 with replacement characters.
    Raises Problem where the history is damaged, or a commit changes more than MAX_FILES files.
    """
    with repository.stream(*_LOG, feed=_tips(repository)) as stream:
        tokens = null_separated(stream)
        token = next(tokens, None)
        while token is not None:
            fields = [token, *(next(tokens, None) for _ in _FIELDS[1:])]
            if None in fields:
                raise Problem(f"{repository.folder}: git log ended within a commit; the repository is damaged")
            differences = []
            files = 0
            token = next(tokens, None)
            while token is not None and token.lstrip(b"\n").startswith(b":"):
                path = next(tokens, None)
                if path is None:
                    raise Problem(f"{repository.folder}: git log ended within a commit; the repository is damaged")
                files += 1
                if files <= MAX_DIFFERENCES:
                    differences.append(_difference(token.lstrip(b"\n"), path))
                elif files > MAX_FILES:
                    name = fields[0].decode(errors="replace").strip()
                    raise Problem(
                        f"{repository.folder}: commit {name} changes more than {MAX_FILES:,} files; leave it out"
                    )
                token = next(tokens, None)
            yield _commit(fields, differences, files > MAX_DIFFERENCES)


def count_commits(repository: Repository) -> int:
    """How many commits a branch or HEAD reaches, by git's own count."""
    return int(repository.run("rev-list", "--count", "--stdin", feed=b"".join(_tips(repository))))


def main_line(repository: Repository) -> set[str]:
    """The commits HEAD reaches."""
    with repository.stream("rev-list", "--stdin", feed=[repository.head.encode() + b"\n"]) as stream:
        return {line.decode().strip() for line in stream}


def merged_by(repository: Repository, merge: str, onto: str) -> list[str]:
    """The commits that a merge brought into its parent `onto`, itself among them."""
    return repository.run("rev-list", "--stdin", feed=f"{merge}\n^{onto}\n".encode()).decode().split()


def null_separated(stream: IO[bytes]) -> Iterator[bytes]:
    """What NUL bytes separate in a stream."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest.strip():
        yield rest


def path_text(name: bytes) -> str:
    """A file name as text; one that is not UTF-8 begins with U+FFFD and has its bytes as escapes."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return "\ufffd" + name.decode(errors="backslashreplace")


def _tips(repository: Repository) -> list[bytes]:
    return [tip.encode() + b"\n" for tip in repository.tips]


def _commit(fields: list[bytes], differences: list[Difference], truncated: bool) -> Commit:
    commit, parents, author, author_email, authored, committer, committer_email, committed, subject, message = (
        field.decode(errors="replace") for field in fields
    )
    return Commit(
        commit=commit.strip(),
        parents=tuple(parents.split()),
        author=Person(author, author_email, _seconds(authored)),
        committer=Person(committer, committer_email, _seconds(committed)),
        subject=subject,
        message=message,
        differences=tuple(differences),
        truncated=truncated,
    )


def _difference(entry: bytes, path: bytes) -> Difference:
    old_mode, new_mode, old, new, _ = entry[1:].decode().split(" ", 4)
    name = path_text(path)
    before, after = old_mode.strip("0") != "", new_mode.strip("0") != ""
    return Difference(
        old_mode=int(old_mode, 8) if before else None,
        new_mode=int(new_mode, 8) if after else None,
        old_path=name if before else None,
        new_path=name if after else None,
        old_sha1=old if before else None,
        new_sha1=new if after else None,
    )


def _seconds(text: str) -> int | None:
    try:
        seconds = int(text)
    except ValueError:
        return None
    return seconds if abs(seconds) < 1 << 62 else None
