"""Licence files: the texts that the `identify` package recognises, with year and holder filled in."""

from __future__ import annotations

import re

PERMISSIVE = ("MIT", "BSD-3-Clause", "Apache-2.0", "ISC", "BSD-2-Clause")
COPYLEFT = "GPL-3.0"

_PLACEHOLDERS = {"year": r"\[(?:year|yyyy)\]", "holder": r"\[(?:fullname|name of copyright owner)\]"}


def licence_text(key: str, year: int, holder: str) -> str:
    """The whole text of the licence with this SPDX key; a short notice alone is not recognised as Apache-2.0."""
    from identify.vendor.licenses import LICENSES

    text = dict(LICENSES)[key]
    text = re.sub(_PLACEHOLDERS["year"], str(year), text)
    return re.sub(_PLACEHOLDERS["holder"], holder, text).strip("\n") + "\n"
