"""Operators of expressions exchanged: comparison, arithmetic, logic, bits, counting, signs."""

from __future__ import annotations

from collections.abc import Iterator

from themis.syntax.places import Edit, Place

_COMPARISONS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "===": "!==", "!==": "===",
    "in": "not in", "not in": "in", "is": "is not", "is not": "is",
}  # fmt: skip
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "*", "**": "*",
    "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "//=": "*=", "%=": "*=",
}  # fmt: skip
_LOGICAL = {"and": "or", "or": "and", "&&": "||", "||": "&&"}
_BITWISE = {"&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<", "&=": "|=", "|=": "&=", "<<=": ">>=", ">>=": "<<="}
_COUNTING = {"++": "--", "--": "++"}
_COMPARISON = ("comparison swap", _COMPARISONS)
_ARITHMETICAL = ("arithmetic swap", _ARITHMETIC)
_LOGICALLY = ("logical swap", _LOGICAL)
_BITS = ("bitwise swap", _BITWISE)
_COUNT = ("increment swap", _COUNTING)
_SWAPS = {  # by the type of the node that holds the operator
    "comparison_operator": (_COMPARISON,),
    "boolean_operator": (_LOGICALLY,),
    "binary_operator": (_ARITHMETICAL, _BITS),
    "augmented_assignment": (_ARITHMETICAL, _BITS),
    "augmented_assignment_expression": (_ARITHMETICAL, _BITS),
    "assignment_expression": (_ARITHMETICAL, _BITS),
    "assignment_statement": (_ARITHMETICAL, _BITS),
    "operator_assignment": (_ARITHMETICAL, _BITS),
    "binary_expression": (_COMPARISON, _ARITHMETICAL, _LOGICALLY, _BITS),
    "binary": (_COMPARISON, _ARITHMETICAL, _LOGICALLY, _BITS),
    "update_expression": (_COUNT,),
    "postfix_unary_expression": (_COUNT,),
    "prefix_unary_expression": (_COUNT,),
    "inc_statement": (_COUNT,),
    "dec_statement": (_COUNT,),
}
_UNARY = {"unary_operator", "unary_expression", "prefix_unary_expression", "unary", "not_operator"}
_TEXTS = {
    "character_literal", "char_literal", "concatenated_string", "heredoc_beginning", "interpreted_string_literal",
    "interpolated_string_expression", "raw_string_literal", "string", "string_literal", "template_string",
}  # fmt: skip


def edits(place: Place, language: str) -> Iterator[Edit]:
    """A token of an expression for its opposite, or a sign left out."""
    node, parent = place.node, place.parent
    if not node.is_named and parent is not None:
        for operator, swaps in _SWAPS.get(parent.type, ()):
            if node.type in swaps and not (operator == "arithmetic swap" and _of_texts_or_zero(place)):
                yield Edit(operator, node.start_byte, node.end_byte, swaps[node.type].encode())
    elif node.type in _UNARY and node.child_count == 2 and node.children[0].type in ("!", "-", "not", "~"):
        operand = node.children[1]
        yield Edit("dropped sign", node.start_byte, node.end_byte, operand.text or b"")


def _of_texts_or_zero(place: Place) -> bool:
    """Whether an operand is a text, which is joined and not added, or zero, which changes nothing either way."""
    operands = [child for child in place.parent.children if child.is_named] if place.parent is not None else []
    return any(operand.type in _TEXTS or operand.text == b"0" for operand in operands)
