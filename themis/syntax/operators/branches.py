"""Control flow changed: conditions negated or halved, branches exchanged or left out, loops left or gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from themis.syntax.places import Edit, Place

if TYPE_CHECKING:
    from tree_sitter import Node

_CONDITIONALS = {"if_statement", "elif_clause", "while_statement", "if", "elsif", "unless", "while", "until"}
_JUMPS = {
    "break_statement": (b"break", b"continue"),
    "continue_statement": (b"continue", b"break"),
    "break": (b"break", b"next"),
    "next": (b"next", b"break"),
}
_TERNARIES = {"conditional_expression", "ternary_expression", "conditional"}
_BOTH = {"&&", "and"}
_BLOCKS = {"block", "statement_block", "compound_statement"}


def edits(place: Place, language: str) -> Iterator[Edit]:
    """What a condition or a branch may be turned into."""
    node = place.node
    if node.type in _CONDITIONALS:
        yield from _conditional(place, language)
    elif node.type in _JUMPS and place.text.startswith(_JUMPS[node.type][0]) and place.function is not None:
        word, other = _JUMPS[node.type]
        yield Edit("wrong jump", node.start_byte, node.start_byte + len(word), other)
    elif node.type in _TERNARIES:
        yield from _ternary(place, language)
    elif len(node.children) == 3 and node.children[1].type in _BOTH:
        left, _, right = node.children
        for kept in (left, right):
            yield Edit("dropped condition", node.start_byte, node.end_byte, kept.text or b"")


def _conditional(place: Place, language: str) -> Iterator[Edit]:
    node = place.node
    condition = node.child_by_field_name("condition")
    if condition is not None:
        yield Edit("negated condition", condition.start_byte, condition.end_byte, _negated(condition, language))
    then, otherwise = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    if then is None or otherwise is None or otherwise.type in ("elif_clause", "elsif", "if_statement"):
        return
    if otherwise.type in ("else_clause", "else") and any(child.type == "if_statement" for child in otherwise.children):
        return  # `else if`: what follows belongs to another condition
    begin = _else_word(node, otherwise)
    if begin is not None:
        yield Edit("removed else", begin, otherwise.end_byte, b"")
    other = next((child for child in otherwise.children if child.type in _BLOCKS), otherwise)
    if then.type in _BLOCKS and other.type in _BLOCKS and then.text != other.text:
        middle = node.text[then.end_byte - node.start_byte : other.start_byte - node.start_byte]
        swapped = (other.text or b"") + middle + (then.text or b"")
        yield Edit("swapped branches", then.start_byte, other.end_byte, swapped)


def _else_word(node: Node, otherwise: Node) -> int | None:
    """Where the `else` begins that leads to the other branch."""
    if otherwise.type in ("else_clause", "else"):
        return otherwise.start_byte
    before = otherwise.prev_sibling
    return before.start_byte if before is not None and before.type == "else" else None


def _ternary(place: Place, language: str) -> Iterator[Edit]:
    named = place.node.named_children
    if len(named) != 3:
        return
    first, second = (named[0], named[2]) if language == "Python" else (named[1], named[2])
    if first.text == second.text:
        return
    middle = place.text[first.end_byte - place.node.start_byte : second.start_byte - place.node.start_byte]
    swapped = (second.text or b"") + middle + (first.text or b"")
    yield Edit("swapped branches", first.start_byte, second.end_byte, swapped)


def _negated(condition: Node, language: str) -> bytes:
    if language == "Python":
        return b"not (" + condition.text + b")"
    if condition.type in ("parenthesized_expression", "condition_clause"):  # the statement needs its parentheses
        return b"(!" + condition.text + b")"
    return b"!(" + condition.text + b")"
