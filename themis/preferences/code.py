"""The code in a response, and whether its syntax tree is deep enough to be worth comparing."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from themis.syntax.parse import depth
from themis.vocabulary import LANGUAGES

# A fenced block as CommonMark has it (section 4.5); one that is not closed reaches to the end.
_BLOCK = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<tag>[^\s`{]*)[^`\n]*\n(?P<code>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def shallow(rows: pl.DataFrame, least: int) -> np.ndarray:
    """In which rows the code of either response is of fewer than `least` levels, bool [N]; never for natural language.

    Rows have language, chosen and rejected. The paper's limit is three levels (appendix B.3, p. 46, filter 1).
    """
    if least < 2:
        return np.zeros(rows.height, bool)
    pairs = rows.select("language", "chosen", "rejected").iter_rows()
    return np.array([any(_too_shallow(text, language, least) for text in pair) for language, *pair in pairs], bool)


def code_of(response: str, language: str) -> list[str]:
    """The code that a response gives: its fenced blocks that are marked as of the language or not marked at all, and
    the whole text where it has none, being a file and no chat answer."""
    if "```" not in response and "~~~" not in response:
        return [response]
    found = LANGUAGES[language]
    tags = {"", language.lower(), found.key, *(extension[1:] for extension in found.extensions)}
    return [block["code"] for block in _BLOCK.finditer(response) if block["tag"].lower() in tags] or [response]


def _too_shallow(response: str, language: str, least: int) -> bool:
    if language not in LANGUAGES:
        return depth(response, language) is not None  # natural language has no tree; of another language is a Problem
    return all(depth(code, language, least) < least for code in code_of(response, language))
