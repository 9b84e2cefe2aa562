"""Where the contents of a repository can be had: its folder, the URL it was cloned from, or a host that has them all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from themis.errors import Problem
from themis.records import read
from themis.repositories.urls import host_of, is_url

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]+/(?!\.)[A-Za-z0-9._~+-]+")
_BLANK = "{repository}"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place to ask for blobs of a repository: a folder or a URL; "" where there is none."""

    repository: str
    place: str

    @property
    def remote(self) -> bool:
        """Whether it is asked over the network."""
        return is_url(self.place)


class Sources:
    """The sources of every repository, the nearest first."""

    def __init__(self, tables: Path | None, remote: str | None) -> None:
        """From the table of repositories in `tables` and the URL template `remote`; either may be none.

        Raises Problem for a template without {repository}, or of a URL that is not asked.
        """
        if remote is not None:
            if _BLANK not in remote:
                raise Problem(f"remote: {remote}: name the repository in it by {_BLANK}")
            host_of(remote.replace(_BLANK, "owner/name"))
        self._remote = remote
        self._known: dict[str, list[str]] = {}
        if tables is not None:
            listed = read(Path(tables) / "repositories.parquet", "repositories", ["repo_name", "path", "url"])
            for name, path, url in zip(*(column.to_pylist() for column in listed.columns), strict=True):
                self._known[name] = [path, *([url] if url else [])]
        self.folders = [Path(places[0]) for places in self._known.values()]

    def of(self, repository: str) -> list[Source]:
        """Its sources; one without a place where nothing is known of it."""
        places = list(self._known.get(repository, ()))
        if self._remote is not None and _NAME.fullmatch(repository):
            url = self._remote.replace(_BLANK, repository)
            places += [] if url in places else [url]
        return [Source(repository, place) for place in places or [""]]
