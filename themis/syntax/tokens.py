"""The tokens of a program, its strings whole and its comments apart; whether two texts are the same program."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from themis.errors import Problem
from themis.syntax.parse import parse

if TYPE_CHECKING:
    from tree_sitter import Node

COMMENTS = {"comment", "line_comment", "block_comment", "html_comment"}
# Literals in whose text every blank counts. Those made of several are walked into.
_LITERAL = ("string", "char", "regex", "heredoc_body", "rune", "delimited_symbol", "symbol_array", "subshell")
_COMPOSED = {"concatenated_string", "chained_string", "string_array"}
NEWLINES_COUNT = {"Go", "JavaScript", "Python", "Ruby"}  # languages in which the end of a line may end a statement


class Refusal(Exception):
    """A change that is not made to a program; the text is the reason."""


class Nothing(Refusal):
    """There is nothing in the program that the change is about."""


def sound_tree(code: str, language: str) -> Node:
    """The root of the program's tree. Raises Refusal for natural language and for a program that does not parse."""
    tree = parse(code, language)
    if tree is None:
        raise Refusal("no code")
    if tree.root_node.has_error:
        raise Refusal("does not parse")
    return tree.root_node


def leaves(root: Node) -> Iterator[Node]:
    """Tokens in the order of the text, comments among them; a string is one token, whatever it is made of."""
    for node, entered in _steps(root):
        if entered and (not node.child_count or _whole(node)) and node.end_byte > node.start_byte:
            yield node


def comments(root: Node) -> list[Node]:
    """The comments of a program."""
    return [node for node in leaves(root) if node.type in COMMENTS]


def errors(code: str, language: str) -> int:
    """How many nodes of the tree are errors or missing; 0 for natural language."""
    tree = parse(code, language)
    if tree is None:
        return 0
    return sum(entered and (node.is_error or node.is_missing) for node, entered in _steps(tree.root_node))


def same_program(first: str, second: str, language: str) -> bool:
    """Whether two texts differ in comments and blanks alone: equal trees, and for Python equal syntax trees of its own.

    False where one does not parse. Raises Problem for a language without a grammar.
    """
    trees = [parse(code, language) for code in (first, second)]
    if None in trees:
        raise Problem(f"{language} has no syntax tree to compare")
    if any(tree.root_node.has_error for tree in trees):
        return False
    if language == "Python":
        known = [python_tree(code) for code in (first, second)]
        if None in known or known[0] != known[1]:
            return False
    return _outline(trees[0].root_node) == _outline(trees[1].root_node)


def python_tree(code: str) -> str | None:
    """What Python itself makes of a program, docstrings included; None where it can't parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _outline(root: Node) -> list[tuple[str, bytes]]:
    found = []
    for node, entered in _steps(root):
        if node.type in COMMENTS:
            continue
        if node.child_count and not _whole(node):
            found.append((node.type, b"(" if entered else b")"))
        elif entered and (text := node.text or b"").strip():
            found.append((node.type, text))
    return found


def _steps(root: Node) -> Iterator[tuple[Node, bool]]:
    """Every node when the walk enters it, and again when it leaves one that it went into."""
    cursor = root.walk()
    while True:
        node = cursor.node
        yield node, True
        if not _whole(node) and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            yield cursor.node, False


def _whole(node: Node) -> bool:
    return (
        node.is_named and node.type not in _COMPOSED and any(part in node.type for part in _LITERAL)
    ) or node.type in COMMENTS
