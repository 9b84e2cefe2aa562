"""The owner/name of a repository."""

from __future__ import annotations

import re
from pathlib import Path

from themis.errors import Problem

_PART = r"[A-Za-z0-9._~-]+"
_URL = re.compile(rf"(?:https?|ssh|git)://[^/\s]+/(?:{_PART}/)*?({_PART})/({_PART})/?")
_SCP = re.compile(rf"[\w.-]+@[\w.-]+:(?:{_PART}/)*?({_PART})/({_PART})/?")
_JOINED = re.compile(r"([^+]+)\+([^+]+)")
_NOT_NAMES = {"", ".", ".."}


def name_of(folder: Path, origin: str | None = None) -> str:
    """The owner/name of a local repository: by its origin's URL, otherwise by the last two parts of its path.

    A part `owner+name` says both.
    """
    found = _URL.fullmatch(origin or "") or _SCP.fullmatch(origin or "")
    if found and not _NOT_NAMES & {found[1], name := found[2].removesuffix(".git")}:
        return f"{found[1]}/{name}"
    return _of_parts(Path(folder).resolve().parts, str(folder))


def name_of_url(url: str) -> str:
    """The owner/name that a URL ends in. Raises Problem where it has none."""
    parts = [part for part in re.sub(r"^[a-z+]+://[^/]*", "", url).split("/") if part]
    return _of_parts(parts, url)


def _of_parts(parts: list[str] | tuple[str, ...], where: str) -> str:
    plain = [part.removesuffix(".git") for part in parts if part != "/"]
    plain = [part for part in plain if part][-2:]
    for part in reversed(plain):
        if found := _JOINED.fullmatch(part):
            return f"{found[1]}/{found[2]}"
    if len(plain) < 2 or not _text(plain) or _NOT_NAMES & set(plain):
        raise Problem(f"{where}: an owner and a name cannot be told from it; put it into a folder owner/name")
    return "/".join(plain)


def _text(parts: list[str]) -> bool:
    """Whether they can be written to a table: a folder's name need not be UTF-8."""
    return not any("\ud800" <= letter <= "\udfff" for part in parts for letter in part)
