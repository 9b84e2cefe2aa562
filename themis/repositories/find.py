"""Find git repositories: the git directory behind a folder, and every repository below a root."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from themis.errors import Problem
from themis.repositories.bounds import pointed


def git_directory(folder: Path) -> Path:
    """The git directory of a bare repository, of a work tree, or of a folder whose only child is one of these.

    Raises Problem where there is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise Problem(f"{folder}: no such folder; give a repository's folder or a https, ssh, git or file URL")
    found = _at(folder)
    if found is None:
        children = [child for child in folder.iterdir() if child.is_dir()]
        found = _at(children[0]) if len(children) == 1 else None
    if found is None:
        raise Problem(f"{folder}: no git repository here; give a bare repository or a work tree")
    return found.resolve()


def repositories_below(root: Path) -> list[Path]:
    """Every folder at or below `root` that is a repository, sorted; symbolic links are not followed."""
    root = Path(root)
    if not root.is_dir():
        raise Problem(f"{root}: no such folder to look for repositories in")
    found: list[Path] = []
    # A folder that cannot be listed is among them, so that whoever opens it says so.
    for place, folders, _ in os.walk(root, onerror=lambda error: found.append(Path(error.filename))):
        if _at(Path(place)) is not None:
            found.append(Path(place))
            folders.clear()
    if not found:
        raise Problem(f"{root}: no git repository at or below it")
    return sorted(found)


def _at(folder: Path) -> Path | None:
    with contextlib.suppress(OSError):  # no permission, or a name that is too long
        if _is_git_directory(folder):
            return folder
        inside = folder / ".git"
        inside = pointed(inside, prefix=b"gitdir: ") or inside  # of a linked work tree or a submodule
        if _is_git_directory(inside):
            return inside
    return None


def _is_git_directory(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and ((folder / "objects").is_dir() or (folder / "commondir").is_file())
