"""Search terms per criterion, matched on whole words of a commit message."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from themis.vocabulary import CODE_CRITERIA, Criterion

_GAP = r"[\s_-]+"


def matches(message: str) -> frozenset[Criterion]:
    """The criteria of which a term occurs in the message (paper section 3, step 1B: a commit may reach several)."""
    text = message.lower()
    return frozenset(criterion for criterion in CODE_CRITERIA if pattern(criterion).search(text))


def mask(message: str, criterion: Criterion) -> str:
    """The message without the criterion's terms; case and everything else are kept."""
    while pattern(criterion).search(message):  # what is left may stand together as a term again
        message = pattern(criterion).sub(" ", message)
    return message


@cache
def terms(criterion: Criterion) -> tuple[str, ...]:
    """The criterion's terms as they stand in its list: lower case, sorted, `*` for the rest of a word."""
    text = resources.files("themis.aspects").joinpath("terms", f"{criterion}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


@cache
def pattern(criterion: Criterion) -> re.Pattern[str]:
    """One expression for the whole list. Space, hyphen and underscore are the same; longer terms come first."""
    longest_first = sorted(terms(criterion), key=lambda term: (-len(term), term))
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(_term, longest_first))})(?![a-z0-9])", re.IGNORECASE)


def _term(term: str) -> str:
    return _GAP.join(_word(word) for word in re.split(r"[\s_-]+", term) if word)


def _word(word: str) -> str:
    rest = "[a-z0-9]+" if word == "*" else "[a-z0-9]*"
    return rest.join(re.escape(part) for part in word.split("*")) if word != "*" else rest
