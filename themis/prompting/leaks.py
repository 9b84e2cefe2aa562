"""Does a text about code repeat the code? Long runs of its words, and whole long lines of it, are not there by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

WORDS = 13  # a run of words as long as the decontamination's n-grams
CHARACTERS = 40  # a line as long as this, its ends and runs of space aside


def quotes(text: str, *codes: str) -> bool:
    """Whether the text holds 13 words in a row of any of the codes, or a whole line of 40 characters or more of it."""
    runs = set(_runs(_words(text)))
    spaced = " ".join(text.split())
    return any(
        not runs.isdisjoint(_runs(_words(code)))
        or any(len(line) >= CHARACTERS and line in spaced for line in _lines(code))
        for code in codes
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _runs(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1))


def _lines(code: str) -> Iterator[str]:
    return (" ".join(line.split()) for line in code.splitlines())
