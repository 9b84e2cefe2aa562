"""Published runs behind a URL: an archive of known digest, fetched once, of which only score files are taken."""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from themis.errors import Problem
from themis.fetching import fetch

_WANTED = ("scores.parquet", "scores.csv", "results.json")
_LARGEST = 512 * 2**20  # bytes of one file of an archive
_RUN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def fetch_runs(source: str, out: Path) -> Path:
    """Fetch a .zip or tar archive of runs, `https://...#sha256=<hex>`, and write OUT/<run>/<file> for each of its runs.

    A run is the folder, at any depth, that holds one of the files named above; hidden folders and all else are passed
    over, and a path in the archive decides nothing but the run's name. Raises Problem where the digest is not given or
    differs, the archive cannot be read, two runs have one name, a name is not plain, it holds no run, or there is
    something in OUT already. OUT appears only when complete.
    """
    out = Path(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise Problem(f"{out}: is there already; remove it to fetch the runs again")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        archive, unpacked = Path(scratch, "archive"), Path(scratch, "runs")
        url = fetch(source, archive, "published_runs")
        _unpack(archive, unpacked, url)
        unpacked.rename(out)
    return out


def _unpack(archive: Path, folder: Path, url: str) -> None:
    """Write FOLDER/<run>/<file> for every wanted file of the archive."""
    runs: dict[str, PurePosixPath] = {}
    folder.mkdir()
    try:
        for name, size, stream in _members(archive):
            path = PurePosixPath(name)
            run = path.parent.name
            if path.name not in _WANTED or run == "" or run.startswith("."):
                continue
            if not _RUN.fullmatch(run):
                raise Problem(f"published_runs: {url}: {name!r}: a run's name has letters, digits, _, - and . only")
            target = folder / run / path.name
            if runs.setdefault(run, path.parent) != path.parent or target.exists():
                raise Problem(f"published_runs: {url}: {name!r}: there are two runs {run}, or two such files of one")
            if size > _LARGEST:
                raise Problem(f"published_runs: {url}: {name!r} is larger than {_LARGEST >> 20} MiB")
            target.parent.mkdir(exist_ok=True)
            with target.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # zipfile raises RuntimeError for a password or an unknown compression, ValueError for an impossible name.
        raise Problem(f"published_runs: {url}: not a readable .zip or tar archive ({_said(error)})") from None
    if not runs:
        raise Problem(f"published_runs: {url}: holds none of {', '.join(_WANTED)} in a folder of its own")


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size in bytes and contents of the regular files of an archive, one after the other."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if not (info.is_dir() or stat.S_ISLNK(info.external_attr >> 16)):
                    with opened.open(info) as stream:
                        yield info.filename, info.file_size, stream
        return
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name, member.size, stream


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
