"""The nodes of a syntax tree with where they stand: parent, field, enclosing function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_FUNCTIONS = {
    "arrow_function", "constructor_declaration", "func_literal", "function_declaration", "function_definition",
    "function_expression", "generator_function_declaration", "lambda_expression", "local_function_statement", "method",
    "method_declaration", "method_definition", "singleton_method",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A node, its parent, the field it fills there, and the innermost function it is in; none at the top."""

    node: Node
    parent: Node | None
    field: str | None
    function: Node | None

    @property
    def text(self) -> bytes:
        """The bytes of the node."""
        return self.node.text or b""

    @property
    def within(self) -> str:
        """The type of the parent, or nothing for the root."""
        return self.parent.type if self.parent is not None else ""


@dataclass(frozen=True)
class Edit:
    """A span of bytes and what takes its place, with the operator that says so."""

    operator: str
    start: int
    end: int
    new: bytes


def places(tree: Tree | Node) -> Iterator[Place]:
    """Every node of a tree, or at and below a node, in the order of the text; no recursion, however deep it is."""
    cursor = tree.walk()
    above: list[tuple[Node, Node | None]] = []  # each ancestor, and the function its children are in
    while True:
        node = cursor.node
        parent, function = above[-1] if above else (None, None)
        yield Place(node, parent, cursor.field_name, function)
        if cursor.goto_first_child():
            above.append((node, node if node.type in _FUNCTIONS else function))
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            above.pop()
