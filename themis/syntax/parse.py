"""Syntax trees by tree-sitter: does code parse, and how deep is its tree."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from themis.errors import Problem
from themis.vocabulary import LANGUAGES, NATURAL_LANGUAGE

if TYPE_CHECKING:
    from tree_sitter import Parser, Tree

# Grammars come from one wheel per language: tree_sitter_<name>.
_GRAMMARS = {name: {"csharp": "c_sharp"}.get(language.key, language.key) for name, language in LANGUAGES.items()}


def parse(code: str, language: str) -> Tree | None:
    """The syntax tree of code over its UTF-8 bytes, or None for natural language. Raises Problem for another language."""
    if language == NATURAL_LANGUAGE:
        return None
    if language not in _GRAMMARS:
        raise Problem(f"{language} is none of {', '.join(_GRAMMARS)} or {NATURAL_LANGUAGE}; no grammar parses it")
    return _parser(language).parse(code.encode("utf-8", "surrogatepass"))


def has_error(code: str, language: str) -> bool | None:
    """Whether the tree holds an error or a missing node; None for natural language."""
    tree = parse(code, language)
    return None if tree is None else tree.root_node.has_error


def depth(code: str, language: str, enough: int | None = None) -> int | None:
    """Levels of the syntax tree, the root being the first; None for natural language.

    With `enough`, the walk ends as soon as it has gone so deep, and returns that. The paper drops code of fewer than
    three levels (appendix B.3, p. 46). Walks with a cursor: however deep the tree, nothing recurses.
    """
    tree = parse(code, language)
    if tree is None:
        return None
    cursor = tree.walk()
    deepest = level = 1
    while enough is None or deepest < enough:
        if cursor.goto_first_child():
            level += 1
            deepest = max(deepest, level)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return deepest
            level -= 1
    return deepest


@functools.cache
def _parser(language: str) -> Parser:
    from tree_sitter import Language, Parser

    grammar = importlib.import_module(f"tree_sitter_{_GRAMMARS[language]}")
    return Parser(Language(grammar.language()))
