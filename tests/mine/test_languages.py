"""The extension map holds the published one, closes its gaps, and names each language once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from themis.vocabulary import FILE_LANGUAGES, LANGUAGES, MINED_LANGUAGES, language_of

PUBLISHED = Path(__file__).parents[3] / "shared" / "reference" / "extensions.json"


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published extension map is not here")
def test_every_published_extension_is_of_the_published_language():
    published = json.loads(PUBLISHED.read_text())
    pairs = [(extension, language) for language, extensions in published.items() for extension in extensions]
    assert (len(published), len(pairs)) == (26, 33)
    for extension, language in pairs:
        assert language_of(f"folder/name{extension}").name == language
        assert language_of(f"folder/name{extension.upper()}").name == language


@pytest.mark.parametrize(
    ("language", "extensions"),
    {
        "C++": ".hpp .hh .hxx", "JavaScript": ".jsx .mjs .cjs", "TypeScript": ".ts .tsx .mts .cts", "D": ".d",
        "R": ".R", "C": ".h .H", "Kotlin": ".kts", "Ruby": ".rake", "Python": ".pyw",
    }.items(),
)  # fmt: skip
def test_gaps_of_the_published_map_are_closed(language, extensions):
    assert {language_of(f"x{extension}").name for extension in extensions.split()} == {language}


@pytest.mark.parametrize("path", ["Makefile", ".py", "a.py/README", "x.", "x.m", "x.pyi", "x.md", "x.json", ""])
def test_other_files_are_of_no_language(path):
    assert language_of(path) is None


def test_an_extension_is_of_one_language_and_a_key_of_one_file_name():
    languages = FILE_LANGUAGES.values()
    assert len(languages) >= 27
    counts = Counter(extension for language in languages for extension in language.extensions)
    assert set(counts.values()) == {1}
    assert all(extension == extension.lower() and extension.startswith(".") for extension in counts)
    assert len({language.key for language in languages}) == len(languages)
    assert list(LANGUAGES) == ["C", "C#", "C++", "Go", "Java", "JavaScript", "Python", "Ruby"]
    assert {*LANGUAGES, *MINED_LANGUAGES} <= set(FILE_LANGUAGES)
