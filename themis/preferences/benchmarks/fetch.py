"""The files of a benchmark behind URLs, each of known digest, in one folder under names of your own."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from themis.errors import Problem
from themis.fetching import fetch

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. =-]*")


def fetch_benchmark(files: Sequence[str], out: Path) -> Path:
    """Fetch files given as NAME=URL#sha256=<digest> to OUT/NAME; returns OUT, which appears only when complete.

    Raises Problem where a name is not plain or comes twice, OUT is there already, or a file cannot be had.
    """
    out = Path(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise Problem(f"{out}: is there already; remove it to fetch the benchmark again")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch, "files")
        folder.mkdir()
        for given in files:
            name, _, source = given.partition("=")
            if not _NAME.fullmatch(name) or (folder / name).exists():
                raise Problem(
                    f"{out.name}: {name!r}: files need plain names, each once, as in NAME=URL#sha256=<digest>"
                )
            fetch(source, folder / name, out.name)
        folder.rename(out)
    return out
