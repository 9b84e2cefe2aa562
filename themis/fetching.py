"""A file behind a URL, which must have the digest that the URL names."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.request
from pathlib import Path

from themis.errors import Problem
from themis.progress import bar

_URL = re.compile(r"(?P<url>https?://[^#]+)#sha256=(?P<digest>[0-9a-f]{64})")


def fetch(source: str, path: Path, what: str) -> str:
    """Save what is behind `https://...#sha256=<64 hex digits>` to `path`; returns the URL without its digest.

    `what` begins every message. Raises Problem where no digest is given or the file has another, and where it cannot be
    fetched; what was saved of it then stays for the caller to remove.
    """
    match = _URL.fullmatch(source)
    if match is None:
        raise Problem(f"{what}: {source}: a URL must end in #sha256= and the 64 hex digits of the file")
    digest = _download(match["url"], path, what)
    if digest != match["digest"]:
        raise Problem(f"{what}: {match['url']}: its sha256 is {digest}, not {match['digest']}")
    return match["url"]


def _download(url: str, path: Path, what: str) -> str:
    """Save what is behind the URL; its SHA-256 in hex."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, path.open("wb") as stream:
            total = int(answer.headers.get("Content-Length") or 0) or None
            with bar(f"fetch {what}", total, "B") as shown:
                while block := answer.read(1 << 20):
                    digest.update(block)
                    stream.write(block)
                    shown.update(len(block))
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise Problem(f"{what}: {url}: cannot be fetched ({said})") from None
    return digest.hexdigest()
