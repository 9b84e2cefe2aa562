"""A folder that is finished takes the place of the one before."""

from __future__ import annotations

import shutil
from pathlib import Path


def put_in_place(part: Path, out: Path) -> None:
    """Rename the finished folder `part` to `out`, of the same file system; what was there goes once the new one stands.

    A kill leaves the whole of the one or the other, under the name `.<name>.old` at worst, and never half of one; where
    the renaming fails, with an OSError, the earlier folder stays.
    """
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    there = out.exists()
    if there:
        out.rename(old)
    try:
        part.rename(out)
    except OSError:
        if there:
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
