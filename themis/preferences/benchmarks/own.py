"""Rows of a table of your own: a prompt and two responses, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator

from themis.preferences.benchmarks.candidate import Candidate, text_in
from themis.preferences.collections.pair import language_named
from themis.preferences.collections.published import NO_CRITERION, aspect_named
from themis.preferences.collections.reading import Row
from themis.vocabulary import NATURAL_LANGUAGE


def pairs(row: Row, _: str) -> Iterator[Candidate]:
    """The pair of a row. Aspect and language may be spelled as the published benchmark does, whose files are such tables;
    a language that is none of ours keeps its name, and where there is none the pair is prose."""
    aspect = row.get("aspect")
    known = None if aspect is None else aspect_named(aspect)
    if aspect is not None and known is None:
        yield Candidate(subset=text_in(row, "subset") or None, reason=NO_CRITERION)
        return
    language = text_in(row, "language")
    name = row.get("id")
    yield Candidate(
        text_in(row, "prompt"),
        text_in(row, "chosen"),
        text_in(row, "rejected"),
        known,
        language_named(language) or language or NATURAL_LANGUAGE,
        text_in(row, "subset") or None,
        None if name is None else str(name),
    )
