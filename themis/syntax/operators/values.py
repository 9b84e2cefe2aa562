"""Constants and positions changed: whole numbers, truth values, indices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from themis.syntax.places import Edit, Place

_INTEGERS = {"integer", "decimal_integer_literal", "number", "number_literal", "integer_literal", "int_literal"}
_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,17}")
_BOOLEANS = {b"true": b"false", b"false": b"true", b"True": b"False", b"False": b"True"}
_INDEXED = {"subscript", "subscript_expression", "index_expression", "array_access", "element_reference"}
_INDEXED |= {"element_access_expression"}
_LISTS = {"subscript_argument_list", "bracketed_argument_list"}


def edits(place: Place, language: str) -> Iterator[Edit]:
    """A whole number one more or less, the other truth value, the next element."""
    node, span = place.node, (place.node.start_byte, place.node.end_byte)
    if node.type in _INTEGERS and _DECIMAL.fullmatch(place.text):
        number = int(place.text)
        yield Edit("off by one", *span, b"%d" % (number + 1))
        if number:
            yield Edit("off by one", *span, b"%d" % (number - 1))
    elif node.child_count <= 1 and place.text in _BOOLEANS and node.type in ("true", "false", "boolean_literal"):
        yield Edit("boolean flip", *span, _BOOLEANS[place.text])
    elif _is_index(place) and node.type in ("identifier", "binary_expression", "binary_operator", "binary"):
        yield Edit("wrong index", *span, place.text + b" + 1")


def _is_index(place: Place) -> bool:
    """Whether the node is what is between the brackets; keys that are texts have no next one."""
    if place.parent is None or place.field in ("value", "object", "argument", "array", "operand", "expression"):
        return False
    if place.within in _LISTS or (place.within == "argument" and place.parent.parent is not None):
        holder = place.parent if place.within in _LISTS else place.parent.parent
        return holder.type in _LISTS and holder.named_child_count == 1
    return place.within in _INDEXED and place.node.is_named and place.field in ("index", "subscript", None)
