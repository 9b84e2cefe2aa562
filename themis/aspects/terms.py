"""Search terms per criterion, matched on whole words of a commit message."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from themis.vocabulary import CODE_CRITERIA, Criterion

_GAP = r"[\s_-]+"


def matches(message: str) -> frozenset[Criterion]:
    """The criteria of which a term occurs in the message (paper section 3, step 1B: a commit may reach several).

    Terms of the first line go first, then those of the rest, where many mention style and documentation in passing, which
    therefore come last. Between the two stand the first line's weak terms: "fix" alone tells of correctness, "fix a
    memory leak" does not. What an excluded phrase covers reaches nothing.
    """
    first, _, rest = message.partition("\n")
    below = _reached(rest, "strong")
    in_passing = {Criterion.READABILITY_MAINTAINABILITY}
    return _reached(first, "strong") or below - in_passing or _reached(first, "weak") or below


def mask(message: str, criterion: Criterion) -> str:
    """The message without the criterion's terms, weak ones too; case and everything else are kept."""
    previous = None
    while message != previous:  # what is left may stand together as a term again
        previous, kept, end = message, [], 0
        for found in pattern(criterion).finditer(_lower(message)):
            if found.lastgroup != "excluded":
                kept.append(message[end : found.start()])
                end = found.end()
        message = " ".join([*kept, message[end:]])
    return message


def near(message: str, criterion: Criterion) -> bool:
    """Whether the message has a word of five letters or more of the criterion's terms, in whatever sense."""
    return bool(_words(criterion).search(_lower(message)))


@cache
def terms(criterion: Criterion) -> tuple[str, ...]:
    """The criterion's terms as they stand in its list: lower case, sorted, `*` for the rest of a word or a whole one,
    `?` before a weak one."""
    return _lines(criterion.value)


@cache
def excluded() -> tuple[str, ...]:
    """Phrases that tell of no criterion, in the same form; one that ends in `...` covers the rest of its line."""
    return _lines("excluded")


@cache
def pattern(criterion: Criterion) -> re.Pattern[str]:
    """One expression for the whole list, for text in lower case, with the groups excluded, strong and weak.

    Space, hyphen and underscore are the same. Of phrases that begin at one place excluded ones come first, then strong
    terms, and of a kind the longest.
    """
    kinds = {
        "excluded": excluded(),
        "strong": [term for term in terms(criterion) if not term.startswith("?")],
        "weak": [term[1:] for term in terms(criterion) if term.startswith("?")],
    }
    groups = "|".join(f"(?P<{kind}>{_any_of(listed)})" for kind, listed in kinds.items())
    return re.compile(rf"(?<![a-z0-9])(?:{groups})(?![a-z0-9])")


@cache
def _words(criterion: Criterion) -> re.Pattern[str]:
    words = {word for term in terms(criterion) for word in re.findall(r"[a-z]{5,}\*?", term)}
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(_word, sorted(words)))})(?![a-z0-9])")


def _reached(text: str, kind: str) -> frozenset[Criterion]:
    lower = _lower(text)
    return frozenset(
        criterion
        for criterion in CODE_CRITERIA
        if any(found.lastgroup == kind for found in pattern(criterion).finditer(lower))
    )


def _lower(text: str) -> str:
    """The text in lower case, as many characters long: matching so is four times as fast as ignoring case."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _lines(name: str) -> tuple[str, ...]:
    text = resources.files("themis.aspects").joinpath("terms", f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _any_of(listed: list[str] | tuple[str, ...]) -> str:
    longest_first = sorted(listed, key=lambda term: (-len(term), term))
    return "|".join(map(_term, longest_first)) or "(?!)"


def _term(term: str) -> str:
    words = re.split(r"[\s_-]+", term.removesuffix("..."))
    rest = ".*" if term.endswith("...") else ""
    return _GAP.join(_word(word) for word in words if word) + rest


def _word(word: str) -> str:
    rest = "[a-z0-9]+" if word == "*" else "[a-z0-9]*"
    return rest.join(re.escape(part) for part in word.split("*")) if word != "*" else rest
