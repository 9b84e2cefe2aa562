"""The data sets published with the paper: labels as numbers or names, the benchmark, and the mined commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from themis.errors import Problem
from themis.preferences.collections.pair import NO_LANGUAGE, NO_RESPONSE, Pair, dropped, language_named
from themis.registry.collections import PublicCollection
from themis.vocabulary import CRITERION_LABELS, LANGUAGES, PUBLISHED_ASPECTS, language_of

Row = Mapping[str, Any]

NO_CRITERION = "no criterion"

# Labels that a file keeps as numbers without their names (protocol 1.6).
_ASPECTS = (
    "readability_maintainability", "runtime_efficiency", "security_hardness", "functional_correctness",
    "memory_efficiency", "helpfulness", "harmlessness",
)  # fmt: skip
_LANGUAGES = ("JavaScript", "Python", "Ruby", "C++", "C", "Go", "Java", "C#", "NL")
_ASPECT_NAMES = {
    **{criterion.value: criterion.value for criterion in CRITERION_LABELS},
    **{label.casefold(): criterion.value for criterion, label in CRITERION_LABELS.items()},
    **{name.casefold(): criterion.value for name, criterion in PUBLISHED_ASPECTS.items()},
}


def published_pair(row: Row, line: PublicCollection, seed: int) -> Iterator[Pair]:
    """The one pair of a row of the published preference sets; its system prompt is left to the study."""
    language, aspect = _labels(row, line)
    given, chosen, rejected, source, idx = (
        text_of(row, line, part) for part in ("input", "chosen", "rejected", "source", "idx")
    )
    if language is None or aspect is None:
        yield dropped(NO_LANGUAGE if language is None else NO_CRITERION)
    elif not (chosen and rejected):
        yield dropped(NO_RESPONSE)
    else:
        yield Pair(given, chosen, rejected, language, aspect, source or line.name, idx)


def benchmark_row(row: Row, line: PublicCollection) -> dict[str, Any] | str:
    """A row of the schema "benchmark", or why there is none."""
    language, aspect = _labels(row, line)
    if language not in LANGUAGES or aspect is None:
        return NO_CRITERION if language in LANGUAGES else NO_LANGUAGE
    texts = {part: text_of(row, line, part) for part in ("id", "prompt", "chosen", "rejected", "subset")}
    if not all(texts.values()):
        return NO_RESPONSE
    return {**texts, "aspect": aspect, "language": language}


def commit_row(row: Row, line: PublicCollection, split: str) -> dict[str, Any] | str:
    """A row of the schema "retrieved", as if mined here, or why there is none."""
    texts = {
        part: text_of(row, line, part)
        for part in ("commit", "subject", "message", "repos", "license", "new_file", "old_contents", "new_contents")
    }
    old, new, path = texts["old_contents"], texts["new_contents"], texts["new_file"]
    language = language_of(path or "")
    if language is None or language.name not in LANGUAGES:
        return NO_LANGUAGE
    if not (old and new):
        return "contents are missing"
    repositories = sorted({name.strip() for name in (texts["repos"] or "").split(",") if name.strip()})
    if not (texts["commit"] and repositories):
        return "commit or repository is missing"
    try:
        committed_at = int(row[line.columns["unix_time"]])
    except (TypeError, ValueError):
        return "no time"
    return {
        "id": hashlib.sha256(f"{texts['commit']}\0{path}".encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "commit": texts["commit"],
        "repository": repositories[0],
        "repositories": repositories,
        "license": texts["license"] or "",
        "path": path,
        "old_mode": 0o100644,  # not published; the query takes regular files only
        "new_mode": 0o100644,
        "old_blob": _blob(old),
        "new_blob": _blob(new),
        "subject": texts["subject"] or "",
        "message": texts["message"] or "",
        "committed_at": committed_at,
        "language": language.name,
        "split": split,
        "old_contents": old,
        "new_contents": new,
        "encoding": "utf-8",
    }


def text_of(row: Row, line: PublicCollection, part: str) -> str | None:
    """The text of a part's column. Raises Problem where it holds something else."""
    value = row[line.columns[part]]
    if value is not None and not isinstance(value, str):
        raise Problem(f"{line.name}: {line.columns[part]} is {type(value).__name__}, not text")
    return value


def aspect_named(aspect: Any) -> str | None:
    """Our name of a criterion, which comes by its number, by its label, or as the published benchmark or we spell it."""
    return _at(_ASPECTS, aspect) or _ASPECT_NAMES.get(str(aspect).strip().casefold())


def _labels(row: Row, line: PublicCollection) -> tuple[str | None, str | None]:
    language, aspect = (row[line.columns[part]] for part in ("language", "aspect"))
    return _at(_LANGUAGES, language) or language_named(language), aspect_named(aspect)


def _at(names: tuple[str, ...], value: Any) -> str | None:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _blob(text: str) -> str:
    """The id git gives a file with this content; not the one mined where bytes were lost in decoding."""
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
