"""Bare clones of repositories given by URL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from themis.errors import Problem
from themis.repositories import git
from themis.repositories.naming import name_of_url

_SCHEMES = ("https", "ssh", "git", "file")


def is_url(text: str) -> bool:
    """Whether a repository is given by URL (of any scheme) and not by folder."""
    return "://" in text


def clone(url: str, clones: Path) -> Path:
    """The folder of a bare clone of `url` below `clones`; one that is there already is used as it is.

    Raises Problem for a scheme other than https, ssh, git and file, and where another URL's clone has the place.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or rest.startswith("-"):
        raise Problem(f"{url}: not a URL that is cloned; use one of {', '.join(s + '://' for s in _SCHEMES)}")
    folder = Path(clones) / (name_of_url(url).replace("/", "+") + ".git")
    if folder.exists():
        arguments = ["config", "--file", str(folder / "config"), "--no-includes", "--get", "remote.origin.url"]
        found = git.run(arguments, where=str(folder)).decode(errors="replace").strip()
        if found != url:
            raise Problem(f"{folder}: holds a clone of {found}, not of {url}; give another folder for the clones")
        return folder
    Path(clones).mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=clones))
    try:
        git.run(
            [
                "clone", "--bare", "--quiet", "--no-hardlinks", "--template=", "--no-recurse-submodules", "--",
                url, str(unfinished),
            ],
            where=url,
            environment={"GIT_ALLOW_PROTOCOL": ":".join(_SCHEMES)},
            timeout=None,
        )  # fmt: skip
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder
