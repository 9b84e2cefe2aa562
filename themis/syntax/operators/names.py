"""Names taken for others: a variable of the same function, arguments in the wrong order, the opposite function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from themis.syntax.places import Edit, Place, places

if TYPE_CHECKING:
    from tree_sitter import Node

_USES = {  # where a name is read: type of the parent -> the fields that read it; none: any
    "argument": None, "argument_list": None, "arguments": None, "array_access": None, "assignment": ("right",),
    "assignment_expression": ("right",), "augmented_assignment": ("right",), "augmented_assignment_expression": ("right",),
    "binary": None, "binary_expression": None, "binary_operator": None, "boolean_operator": None,
    "comparison_operator": None, "conditional_expression": None, "element_reference": None, "index_expression": None,
    "operator_assignment": ("right",), "parenthesized_expression": None, "return_statement": None, "subscript": None,
    "subscript_argument_list": None, "subscript_expression": None, "ternary_expression": None, "unary_expression": None,
    "expression_list": None, "init_declarator": ("value",), "variable_declarator": ("value", None),
}  # fmt: skip
_TYPED = {"C", "C++", "C#", "Go", "Java"}
_WRAPPERS = {"pointer_declarator", "array_declarator", "reference_declarator"}
_CALLED = {"identifier", "property_identifier", "field_identifier"}
_OPPOSITES = {
    b"min": b"max", b"max": b"min", b"Min": b"Max", b"Max": b"Min", b"floor": b"ceil", b"ceil": b"floor",
    b"Floor": b"Ceil", b"Ceil": b"Floor", b"any": b"all", b"all": b"any", b"Any": b"All", b"All": b"Any",
    b"some": b"every", b"every": b"some", b"any?": b"all?", b"all?": b"any?", b"first": b"last", b"last": b"first",
    b"First": b"Last", b"Last": b"First", b"startswith": b"endswith", b"endswith": b"startswith",
    b"startsWith": b"endsWith", b"endsWith": b"startsWith", b"StartsWith": b"EndsWith", b"EndsWith": b"StartsWith",
    b"start_with?": b"end_with?", b"end_with?": b"start_with?", b"HasPrefix": b"HasSuffix", b"HasSuffix": b"HasPrefix",
    b"indexOf": b"lastIndexOf", b"lastIndexOf": b"indexOf", b"find": b"rfind", b"rfind": b"find", b"push": b"unshift",
    b"pop": b"shift", b"shift": b"pop", b"upper": b"lower", b"lower": b"upper", b"toUpperCase": b"toLowerCase",
    b"toLowerCase": b"toUpperCase", b"ToUpper": b"ToLower", b"ToLower": b"ToUpper", b"upcase": b"downcase",
    b"downcase": b"upcase", b"minimum": b"maximum", b"maximum": b"minimum",
}  # fmt: skip


@dataclass(frozen=True)
class _Variable:
    name: bytes
    kind: bytes  # its type as written; empty in languages without
    start: int


def edits(place: Place, language: str) -> Iterator[Edit]:
    """Another variable of the function that is there by then and of the same type; two arguments exchanged."""
    node = place.node
    if node.type in ("argument_list", "arguments"):
        yield from _exchanged(place)
    elif node.type in _CALLED and place.field in ("function", "name", "method", "property", "field", "attribute"):
        if place.text in _OPPOSITES and _is_called(place):
            yield Edit("opposite call", node.start_byte, node.end_byte, _OPPOSITES[place.text])
    elif node.type == "identifier" and place.function is not None and _is_read(place):
        for name in _others(place, language):
            yield Edit("wrong variable", node.start_byte, node.end_byte, name)


def _is_called(place: Place) -> bool:
    after = place.node.next_sibling
    following = after if after is not None else place.parent.next_sibling
    return following is not None and following.type in ("argument_list", "arguments")


def _exchanged(place: Place) -> Iterator[Edit]:
    arguments = [child for child in place.node.named_children if child.type not in ("comment", "block_argument")]
    for one, other in pairwise(arguments):
        if one.text == other.text or {one.type, other.type} & {"keyword_argument", "pair", "dictionary_splat"}:
            continue
        middle = place.text[one.end_byte - place.node.start_byte : other.start_byte - place.node.start_byte]
        yield Edit("swapped arguments", one.start_byte, other.end_byte, other.text + middle + one.text)


def _is_read(place: Place) -> bool:
    if place.within not in _USES or place.field in ("function", "method", "name"):
        return False
    if place.within == "expression_list" and place.parent.parent is not None:
        holder = place.parent.parent
        return holder.type == "return_statement" or holder.child_by_field_name("right") == place.parent
    fields = _USES[place.within]
    return fields is None or place.field in fields


def _others(place: Place, language: str) -> list[bytes]:
    """At most two other names: the one declared before and the one after, among those there before this use."""
    function = place.function
    known: dict[bytes, _Variable] = {}
    for variable in _declared(function, language):
        if variable.start < place.node.start_byte:
            known.setdefault(variable.name, variable)
    own = known.get(place.text)
    if own is None:
        return []
    alike = [one for one in known.values() if one.kind == own.kind and (one.kind or language not in _TYPED)]
    at = alike.index(own)
    return [one.name for one in (*alike[max(0, at - 1) : at], *alike[at + 1 : at + 2])]


@lru_cache(maxsize=16)  # every name of a function asks for the same
def _declared(function: Node, language: str) -> tuple[_Variable, ...]:
    found = []
    for place in places(function):
        if place.node.type != "identifier":
            continue
        kind = _type_of(place) if language in _TYPED else b""
        if kind or (language not in _TYPED and _begins(place)):
            found.append(_Variable(place.text, kind, place.node.start_byte))
    return tuple(found)


def _begins(place: Place) -> bool:
    """Whether a language without types declares or first sets a variable here."""
    if place.within in ("parameters", "formal_parameters", "method_parameters", "block_parameters"):
        return place.text not in (b"self", b"cls", b"this")
    if place.within in ("default_parameter", "optional_parameter", "typed_parameter", "variable_declarator"):
        return place.field in ("name", None)
    return place.within in ("assignment", "for_statement") and place.field == "left"


def _type_of(place: Place) -> bytes:
    """The type a declaration gives the name it declares, with its stars and brackets; empty elsewhere."""
    node, shape = place.node, b""
    parent, field = place.parent, place.field
    while parent is not None and parent.type in _WRAPPERS and field == "declarator":
        shape += parent.type.encode()
        node, parent = parent, parent.parent
        field = "declarator" if parent is not None and parent.child_by_field_name("declarator") == node else None
    if parent is not None and parent.type in ("init_declarator", "variable_declarator"):
        if (parent.child_by_field_name("declarator") or parent.child_by_field_name("name")) != node:
            return b""
        node, parent = parent, parent.parent
    elif parent is None or node not in (parent.child_by_field_name("declarator"), parent.child_by_field_name("name")):
        return b""
    kind = parent.child_by_field_name("type") if parent is not None else None
    return kind.text + shape if kind is not None and kind.text not in (b"auto", b"var") else b""
