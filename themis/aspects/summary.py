"""The text a criterion classifier reads of a commit: message, path, and the words the change adds and removes."""

from __future__ import annotations

import difflib
import re
from collections import Counter

_MESSAGE_CHARACTERS = 400
_CHANGED_LINES = 300  # compared on either side, after the common beginning and end
_CHANGED_WORDS = 40
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\sA-Za-z0-9_]+")


def full_message(subject: str, message: str) -> str:
    """The message with its subject as the first line, once."""
    return message if message.startswith(subject) else f"{subject}\n{message}"


def summary(message: str, change: str) -> str:
    """Message (first 400 characters) on one line, then the change as `change` tells it."""
    return f"{' '.join(message.split())[:_MESSAGE_CHARACTERS]}\n{change}"


def change(path: str, old: str, new: str) -> str:
    """Path, up to 40 words added and up to 40 removed, on three lines.

    Words are parts of identifiers in lower case and runs of punctuation; a word that the change both removes and adds
    is in neither list.
    """
    added, removed = changed_words(old, new)
    return f"in {path}\nadded {' '.join(added)}\nremoved {' '.join(removed)}"


def changed_words(old: str, new: str) -> tuple[list[str], list[str]]:
    """Words of added and of removed lines, each in order of appearance, without those on both sides."""
    before, after = _middle(old.splitlines(), new.splitlines())
    added, removed = [], []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += _words(before[i:j])
            added += _words(after[k:m])
    return _without(added, removed), _without(removed, added)


def _middle(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Both sides without their common beginning and end, cut to what difflib compares in milliseconds."""
    start, least = 0, min(len(old), len(new))
    while start < least and old[start] == new[start]:
        start += 1
    end = 0
    while end < least - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return (
        old[start : len(old) - end][:_CHANGED_LINES],
        new[start : len(new) - end][:_CHANGED_LINES],
    )


def _words(lines: list[str]) -> list[str]:
    return [part.lower() for line in lines for part in _PART.findall(line[:500])]


def _without(words: list[str], others: list[str]) -> list[str]:
    left = Counter(others)
    kept = []
    for word in words:
        if left[word]:
            left[word] -= 1
        elif len(kept) < _CHANGED_WORDS:
            kept.append(word)
    return kept
