"""Mutants: copies of a program with one small, deliberate fault, made by replacing one span of its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from themis.errors import Problem
from themis.syntax.parse import has_error, parse
from themis.vocabulary import NATURAL_LANGUAGE

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Mutant:
    """A mutated program: which operator changed it, at which byte of the original, and the whole new text."""

    operator: str
    at: int
    text: str


def mutants(code: str, language: str, *, start: int = 0) -> Iterator[Mutant]:
    """Every mutant whose change lies at or after byte `start` and that parses without error, by place then operator.

    Raises Problem for natural language, and for a language without a grammar.
    """
    tree = parse(code, language)
    if tree is None:
        raise Problem(f"{NATURAL_LANGUAGE} text has no syntax tree to mutate")
    source = code.encode("utf-8", "surrogatepass")
    edits = {edit for node in _nodes(tree.root_node) for edit in _edits(node, language) if edit.start >= start}
    for edit in sorted(edits, key=lambda one: (one.start, one.end, one.operator, one.new)):
        text = (source[: edit.start] + edit.new + source[edit.end :]).decode("utf-8", "surrogatepass")
        if not has_error(text, language):
            yield Mutant(edit.operator, edit.start, text)


@dataclass(frozen=True)
class _Edit:
    operator: str
    start: int
    end: int
    new: bytes


_COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "===": "!==", "!==": "===",
    "in": "not in", "not in": "in", "is": "is not", "is not": "is",
}  # fmt: skip
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "*", "**": "*",
    "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "//=": "*=", "%=": "*=",
}  # fmt: skip
_LOGICAL = {"and": "or", "or": "and", "&&": "||", "||": "&&"}
_COMPARISON, _ARITHMETICAL, _LOGICALLY = (
    ("comparison swap", _COMPARISONS), ("arithmetic swap", _ARITHMETIC), ("logical swap", _LOGICAL)
)  # fmt: skip
_SWAPS = {  # by the type of the node that holds the operator
    "comparison_operator": (_COMPARISON,),
    "boolean_operator": (_LOGICALLY,),
    "binary_operator": (_ARITHMETICAL,),
    "augmented_assignment": (_ARITHMETICAL,),
    "augmented_assignment_expression": (_ARITHMETICAL,),
    "assignment_expression": (_ARITHMETICAL,),
    "assignment_statement": (_ARITHMETICAL,),
    "operator_assignment": (_ARITHMETICAL,),
    "binary_expression": (_COMPARISON, _ARITHMETICAL, _LOGICALLY),
    "binary": (_COMPARISON, _ARITHMETICAL, _LOGICALLY),
}
_INTEGERS = {"integer", "decimal_integer_literal", "number", "number_literal", "integer_literal", "int_literal"}
_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,17}")
_BOOLEANS = {b"true": b"false", b"false": b"true", b"True": b"False", b"False": b"True"}
_CONDITIONALS = {"if_statement", "elif_clause", "while_statement", "if", "elsif", "unless", "while", "until"}
_NOTHING = {"Python": b"return None", "JavaScript": b"return undefined", "Ruby": b"return nil"}


def _edits(node: Node, language: str) -> Iterator[_Edit]:
    text, span = node.text, (node.start_byte, node.end_byte)
    if not node.is_named and node.parent is not None:
        for operator, swaps in _SWAPS.get(node.parent.type, ()):
            if node.type in swaps:
                yield _Edit(operator, *span, swaps[node.type].encode())
    elif node.type in _INTEGERS and _DECIMAL.fullmatch(text):
        yield _Edit("off by one", *span, b"%d" % (int(text) + 1))
        if int(text):
            yield _Edit("off by one", *span, b"%d" % (int(text) - 1))
    elif node.child_count <= 1 and text in _BOOLEANS and node.type in ("true", "false", "boolean_literal"):
        yield _Edit("boolean flip", *span, _BOOLEANS[text])
    elif node.type in _CONDITIONALS:
        condition = node.child_by_field_name("condition")
        if condition is not None:
            yield _Edit("negated condition", condition.start_byte, condition.end_byte, _negated(condition, language))
    elif (
        node.type in ("return_statement", "return") and node.named_child_count and text != _NOTHING.get(language, text)
    ):
        yield _Edit("dropped return value", span[0], node.named_children[-1].end_byte, _NOTHING[language])


def _negated(condition: Node, language: str) -> bytes:
    if language == "Python":
        return b"not (" + condition.text + b")"
    if condition.type in ("parenthesized_expression", "condition_clause"):  # the statement needs its parentheses
        return b"(!" + condition.text + b")"
    return b"!(" + condition.text + b")"


def _nodes(root: Node) -> Iterator[Node]:
    """All nodes below the root in the order of the text, without recursion."""
    cursor = root.walk()
    while True:
        yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
