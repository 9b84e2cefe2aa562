"""The licence that a text is: close to a known one, containing one whole, or pointing to one."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

# A notice that points to a licence holds the address its steward gives it (SPDX licence list, "other web pages").
_ADDRESSES = {
    r"apache\.org/licenses/license-2\.0": "apache-2.0",
    r"opensource\.org/licen[sc]es?/apache-2\.0": "apache-2.0",
    r"opensource\.org/licen[sc]es?/mit": "mit",
    r"opensource\.org/licen[sc]es?/isc": "isc",
    r"opensource\.org/licen[sc]es?/bsd-2-clause": "bsd-2-clause",
    r"opensource\.org/licen[sc]es?/bsd-3-clause": "bsd-3-clause",
    r"opensource\.org/licen[sc]es?/artistic-2\.0": "artistic-2.0",
    r"creativecommons\.org/publicdomain/zero/1\.0": "cc0-1.0",
    r"unlicense\.org": "unlicense",
    r"mozilla\.org/(?:en-us/)?mpl/2\.0": "mpl-2.0",
    r"eclipse\.org/(?:org/documents/epl-v10|legal/epl-v10)": "epl-1.0",
    r"gnu\.org/licenses/(?:old-licenses/)?lgpl-2\.1": "lgpl-2.1",
    r"gnu\.org/licenses/agpl-3\.0": "agpl-3.0",
    r"gnu\.org/licenses/gpl-3\.0": "gpl-3.0",
    r"gnu\.org/licenses/old-licenses/gpl-2\.0": "gpl-2.0",
}
_NOTICE = 2000  # characters; a longer text says more than where its licence is
# A notice in which these words stand says more than the address: anywhere in it, or in the address's own sentence.
_OTHER = re.compile(r"\b(business source|busl|commercial|dual|elastic|proprietary|sspl)\b")
_LIMITS = re.compile(r"\b(all rights reserved|except|not|or|some|unless)\b")
_SENTENCE = re.compile(r"[.;!?] ")


def license_of(text: str) -> str | None:
    """The lower-case SPDX key of the one licence in `text`, or None.

    In this order: the whole text is a known licence but for 5 % (identify's `license_id`); it contains exactly one
    known licence word for word, and at most half as much besides; it is a short notice with the address of one licence and no word of
    another choice or an exception.
    """
    return _whole(text) or _contained(text) or _named(text)


def _whole(text: str) -> str | None:
    from identify.identify import license_id

    if not text.strip():
        return None
    with tempfile.NamedTemporaryFile() as file:  # license_id reads a file, and only UTF-8
        file.write(text.encode())
        file.flush()
        found = license_id(str(Path(file.name)))
    return re.sub(r"-(only|or-later)$", "", found.lower()) if found else None


def _contained(text: str) -> str | None:
    plain = _plain(text)
    found = [key for key, body in _bodies() if body in plain and len(plain) <= 1.5 * len(body)]
    return found[0] if len(found) == 1 else None


def _named(text: str) -> str | None:
    plain = " ".join(text.casefold().split())
    if len(plain) > _NOTICE or _OTHER.search(plain):
        return None
    places = [
        (found.start(), key) for address, key in _ADDRESSES.items() for found in re.finditer(rf"\b{address}\b", plain)
    ]
    if len({key for _, key in places}) != 1:
        return None
    sentences = [_SENTENCE.split(plain[:at])[-1] for at, _ in places]
    return None if any(map(_LIMITS.search, sentences)) else places[0][1]


@cache
def _bodies() -> list[tuple[str, str]]:
    """Known licences without the lines of their title."""
    from identify.vendor.licenses import LICENSES

    return [(key.casefold(), _plain(text.strip().partition("\n")[2])) for key, text in LICENSES]


def _plain(text: str) -> str:
    text = re.sub(r"(?im)^\s*copyright\b.*$", "", text)
    return " ".join(text.casefold().replace("“", '"').replace("”", '"').replace("’", "'").split())
