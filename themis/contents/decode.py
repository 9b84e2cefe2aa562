"""Text of a blob, or why it has none."""

from __future__ import annotations

import codecs
import re

SYMLINK, SUBMODULE = 0o120000, 0o160000
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_MAX_POINTER = 1024
_CONTROL = re.compile("[\x80-\x9f]")


def decode(data: bytes) -> tuple[str, str] | str:
    """(text, encoding) of a file, or the reason why it is none: LFS pointer, binary, empty, not decodable.

    The encoding is utf-8, utf-8-sig (its mark is left out), or latin-1 where the bytes are no UTF-8 and hold none of
    the control characters that betray another encoding. Newlines stay as they are.
    """
    if len(data) < _MAX_POINTER and data.startswith(_POINTER):
        return "LFS pointer"
    if b"\0" in data:
        return "binary"
    encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "latin-1"
        if _CONTROL.search(text):
            return "not decodable"
    return (text, encoding) if text and not text.isspace() else "empty"


def refused_mode(mode: int | None) -> str | None:
    """Why an entry of this mode is no file to read."""
    return {SYMLINK: "symlink", SUBMODULE: "submodule"}.get(mode)
