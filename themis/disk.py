"""What the disk refuses, said in one line that tells what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from themis.errors import Problem

_REFUSED = {
    errno.ENOSPC: "the disk is full; free some of it (themis status says what takes how much)",
    errno.EDQUOT: "your quota of the disk is used up; free some of it (themis status says what takes how much)",
    errno.EFBIG: "a file may not be larger here; lift the limit (ulimit -f) or take another disk",
    errno.EROFS: "the disk may only be read; mount it to be written to, or put results/ elsewhere",
    errno.EACCES: "you may not write there; change its permissions, or put results/ elsewhere",
    errno.EPERM: "you may not write there; change its permissions, or put results/ elsewhere",
}


def refused(error: OSError, path: Path | str | None = None) -> str | None:
    """What to do where the disk refused to take a file; None for any other error. The file is `path`, or the error's."""
    place = path or error.filename
    said = _REFUSED.get(error.errno or 0)
    return (
        said
        and f"{place or 'what was to be written'}: {said}; then run the same command again, nothing is half-written"
    )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises Problem where the disk refuses the file that is written meanwhile."""
    try:
        yield
    except OSError as error:
        if said := refused(error, path):
            raise Problem(said) from None
        raise
