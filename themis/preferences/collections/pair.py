"""A candidate pair as a source gives it, and the language names that sources use."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from themis.vocabulary import LANGUAGES, NATURAL_LANGUAGE

NO_RESPONSE = "no response"
NO_LANGUAGE = "language is none of the eight"

_NAMES = {name.casefold(): name for name in LANGUAGES} | {
    "cpp": "C++", "cplusplus": "C++", "csharp": "C#", "cs": "C#", "golang": "Go", "js": "JavaScript",
    "javascript xml": "JavaScript", "node": "JavaScript", "py": "Python", "python3": "Python", "rb": "Ruby", NATURAL_LANGUAGE.casefold(): NATURAL_LANGUAGE,
}  # fmt: skip


class Pair(NamedTuple):
    """What a row of a source comes to; where `reason` is not null it is no pair, and why."""

    input: str | None = None
    chosen: str = ""
    rejected: str = ""
    language: str | None = None
    aspect: str | None = None
    source: str | None = None
    idx: str | None = None  # null: the hash of the contents
    reason: str | None = None

    def row(self) -> dict[str, Any]:
        """The pair as a row of a collection with its reason; without an idx of its own it gets that of its contents."""
        if self.reason:
            return {"reason": self.reason}
        idx = self.idx or content_id(self.input, self.chosen, self.rejected, self.language, self.aspect)
        return {**self._asdict(), "idx": idx}


def dropped(reason: str) -> Pair:
    """No pair, and why."""
    return Pair(reason=reason)


def content_id(*texts: str | None) -> str:
    """32 hex digits that depend on the texts alone."""
    joined = "\x1f".join("\x00" if text is None else text for text in texts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def language_named(name: Any) -> str | None:
    """Our name of a language that a source spells in its own way; None where it is none of the eight, or prose."""
    return _NAMES.get(name.strip().casefold()) if isinstance(name, str) else None
