"""What the files of a repository may lead to: its own folder, and the folders of the other repositories of the run.

A link, an alternate or a pointer that leads anywhere else would let a repository have its reader read the reader's own
files. It is refused by name, as is what is no file at all, such as a pipe, on which git would wait for ever.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from themis.errors import Problem

_POINTER_BYTES = 4096
_ALTERNATES = 1 << 16
_DEPTH = 5  # of alternates of alternates, as in git


@dataclass(frozen=True)
class Bounds:
    """The folders that may be read; `folder` is the repository as the user named it."""

    folder: Path
    own: tuple[Path, ...]  # resolved
    others: tuple[Path, ...] = ()  # resolved only when asked for: there may be very many

    def inside(self, path: Path) -> Path:
        """The path with every link followed. Raises Problem where it leads out of the bounds."""
        try:
            real = Path(path).resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, or no path at all
            raise Problem(f"{self.folder}: {_shown(path)} leads nowhere; the repository is damaged") from None
        if any(real.is_relative_to(place) for place in self.own):
            return real
        if any(real.is_relative_to(other.resolve()) for other in self.others):
            return real
        raise Problem(
            f"{self.folder}: {_shown(path)} leads out of the repository to {_shown(real)}; "
            "name that repository too, or leave this one out"
        )

    def files(self, place: Path) -> None:
        """Check everything at and below `place`, which may be missing. Raises Problem where something leads out."""
        waiting, seen = [self.inside(place)], set()
        while waiting:
            folder = waiting.pop()
            if folder in seen or not folder.is_dir():
                continue
            seen.add(folder)
            with os.scandir(folder) as entries:
                for entry in entries:
                    real = self.inside(Path(entry.path)) if entry.is_symlink() else None
                    if entry.is_dir():
                        waiting.append(real or Path(entry.path))
                    elif not entry.is_file() and (real is None or real.exists()):
                        raise Problem(
                            f"{self.folder}: {_shown(entry.path)} is neither a file nor a folder; leave the repository out"
                        )

    def stores(self, objects: Path) -> list[Path]:
        """A folder of objects and those it borrows from, each checked, in the order git asks them."""
        found: list[Path] = []
        waiting = [(Path(objects), 0)]
        while waiting:
            place, depth = waiting.pop(0)
            real = self.inside(place)
            if real in found or not real.is_dir():
                continue
            self.files(real)
            found.append(real)
            if depth < _DEPTH:
                waiting += [(other, depth + 1) for other in _alternates(real)]
        return found


def pointed(file: Path, prefix: bytes = b"") -> Path | None:
    """Where a file of one line points, seen from its folder; None where it is no such file. Links are not followed."""
    if file.is_symlink() or not file.is_file():
        return None
    with file.open("rb") as stream:
        line = stream.read(_POINTER_BYTES).strip()
    if not line.startswith(prefix) or b"\0" in line or b"\n" in line or line == prefix:
        return None
    return file.parent / os.fsdecode(line.removeprefix(prefix).strip())


def _alternates(objects: Path) -> list[Path]:
    path = objects / "info" / "alternates"
    if not path.is_file():
        return []
    with path.open("rb") as stream:
        lines = stream.read(_ALTERNATES).splitlines()
    return [objects / os.fsdecode(line) for line in lines if line.strip() and not line.startswith(b"#")]


def _shown(path: Path | str) -> str:
    return ascii(str(path))[1:-1][:300]
