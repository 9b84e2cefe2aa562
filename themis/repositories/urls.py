"""Which URLs are asked for repositories."""

from __future__ import annotations

from urllib.parse import urlsplit

from themis.errors import Problem

_SCHEMES = ("https", "ssh", "git", "file")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_url(text: str) -> bool:
    """Whether a repository is given by URL (of any scheme) and not by folder."""
    return "://" in text


def host_of(url: str) -> str:
    """The host that is asked for `url`, with its port; empty for file://.

    Raises Problem for a scheme other than https, ssh, git and file (http on the loopback only), and for a password.
    """
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise Problem(f"{url}: not a URL") from None
    if (scheme not in _SCHEMES and (scheme, host in _LOOPBACK) != ("http", True)) or rest.startswith("-"):
        raise Problem(
            f"{url}: not a URL that is cloned; use one of {', '.join(s + '://' for s in _SCHEMES)}"
            " (http:// for 127.0.0.1 and localhost only)"
        )
    if parts.password is not None:
        raise Problem(
            f"{scheme}://{host}: leave the password out of the URL; git asks the program in GIT_ASKPASS for it"
        )
    return parts.netloc.rpartition("@")[2].lower()


def protocols(url: str) -> str:
    """The value of GIT_ALLOW_PROTOCOL for asking `url`: a redirection may not lead to another kind of transport."""
    return ":".join((*_SCHEMES, "http") if url.startswith("http://") else _SCHEMES)
