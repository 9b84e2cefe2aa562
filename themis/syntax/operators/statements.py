"""Statements left out: a call, an assignment, what a function returns, an early return."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from themis.syntax.places import Edit, Place

if TYPE_CHECKING:
    from tree_sitter import Node

_NOTHING = {"Python": b"return None", "JavaScript": b"return undefined", "Ruby": b"return nil"}
_BODIES = {"block", "statement_block", "compound_statement", "statement_list", "body_statement", "then", "do", "else"}
_STATEMENTS = {
    "expression_statement", "assignment_statement", "inc_statement", "dec_statement", "assignment", "operator_assignment",
    "call",
}  # fmt: skip
_TEXTS = {"string", "string_literal", "template_string", "identifier"}
# Telling what happens is not what a program is for.
_TELLS = re.compile(
    rb"(?i)\b(?:log\w*|print\w*|puts|console|debug|info|warn\w*|trace|fmt\.F?[Pp]rint\w*|std::c(?:out|err))\b"
)


def edits(place: Place, language: str) -> Iterator[Edit]:
    """The statement, gone; or a return without its value, where the language allows that."""
    node = place.node
    if node.type in ("return_statement", "return"):
        nothing = _NOTHING.get(language)
        if nothing and node.named_child_count and place.text.rstrip(b";") != nothing:
            yield Edit("dropped return value", node.start_byte, node.named_children[-1].end_byte, nothing)
    elif node.type in _STATEMENTS and place.within in _BODIES and place.function is not None and _acts(place):
        yield Edit("deleted statement", node.start_byte, node.end_byte, b"pass" if language == "Python" else b"")


def _acts(place: Place) -> bool:
    """Whether the statement does something the program is for: no text of its own, no telling, no first declaration."""
    node = place.node
    inner = node.named_children[0] if node.type == "expression_statement" and node.named_child_count else node
    if inner.type in _TEXTS or _TELLS.search(place.text.split(b"(")[0]):
        return False
    if place.within in ("body_statement", "then", "do", "else") and node.next_named_sibling is None:
        return False  # Ruby: the last expression is the value
    return inner.type != "assignment" or not _first_of_its_name(place, inner)


def _first_of_its_name(place: Place, assignment: Node) -> bool:
    """Whether a variable begins here: without it every later use fails, which is no subtle fault."""
    left = assignment.child_by_field_name("left")
    if left is None or left.type != "identifier" or place.function is None:
        return False
    start = place.function.start_byte
    before = place.function.text[: assignment.start_byte - start]
    return re.search(rb"\b" + re.escape(left.text) + rb"\b", before) is None
