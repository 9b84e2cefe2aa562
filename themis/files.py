"""Text and bytes that appear under their name only when complete."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from themis.disk import writing


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary sibling and a rename. Raises Problem where the disk refuses it."""
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_text(path: Path, content: str) -> None:
    """The same for text, in UTF-8 with newlines as given."""
    write_bytes(path, content.encode("utf-8"))
