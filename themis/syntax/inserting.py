"""Statements that change nothing put at the beginning of a function: code that never runs, assertions that always hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from themis import chance
from themis.syntax.parse import has_error
from themis.syntax.places import places
from themis.syntax.tokens import Refusal, leaves, sound_tree

if TYPE_CHECKING:
    from tree_sitter import Node

NO_FUNCTION = "no function whose body begins on a line of its own"

# Each is a condition that is never true with a block below; {name} is a name the program does not have, {n} a number.
_DEAD = {
    "C": ("if ({n} > {more}) {{", "{unit}int {name} = {n} * {more};", "{unit}(void){name};", "}}"),
    "C#": ("if ({n} > {more}) {{", "{unit}int {name} = {n} * {more};", "{unit}{name}++;", "}}"),
    "C++": ("if ({n} > {more}) {{", "{unit}int {name} = {n} * {more};", "{unit}(void){name};", "}}"),
    "Go": ("if {n} > {more} {{", "{unit}{name} := {n} * {more}", "{unit}_ = {name}", "}}"),
    "Java": ("if ({n} > {more}) {{", "{unit}int {name} = {n} * {more};", "{unit}{name}++;", "}}"),
    "JavaScript": ("if ({n} > {more}) {{", "{unit}let {name} = {n} * {more};", "{unit}{name}++;", "}}"),
    "Python": ("if {n} > {more}:", "{unit}{name} = {n} * {more}"),
    "Ruby": ("if {n} > {more}", "{unit}{name} = {n} * {more}", "{unit}{name} += 1", "end"),
}
_ASSERTS = {
    "C": ('_Static_assert({n} < {more}, "{said}");',),
    "C#": ('System.Diagnostics.Debug.Assert({n} < {more}, "{said}");',),
    "C++": ('static_assert({n} < {more}, "{said}");',),
    "Go": ("if {n} > {more} {{", '{unit}panic("{said}")', "}}"),
    "Java": ('assert {n} < {more} : "{said}";',),
    "JavaScript": ('console.assert({n} < {more}, "{said}");',),
    "Python": ('assert {n} < {more}, "{said}"',),
    "Ruby": ('raise "{said}" unless {n} < {more}',),
}
_NAMES = ("checked", "extra", "pending", "spare", "total_seen")
_SAID = ("bounds are in order", "input was validated", "limits hold", "result is consistent", "state is valid")

_FUNCTIONS = {
    "function_definition", "function_declaration", "function_expression", "generator_function_declaration", "method",
    "method_declaration", "method_definition", "singleton_method", "local_function_statement", "func_literal",
    "arrow_function",
}  # fmt: skip
_BODIES = {"block", "statement_block", "compound_statement", "body_statement"}
_COMMENTS = {"comment", "line_comment", "block_comment"}


def with_dead_code(code: str, language: str, *, seed: int, key: str) -> str:
    """The program with a few lines that never run at the beginning of a function. Raises Refusal."""
    return _with(_DEAD, code, language, seed, key)


def with_assertions(code: str, language: str, *, seed: int, key: str) -> str:
    """The program with one to three assertions that always hold at the beginning of a function. Raises Refusal."""
    return _with(_ASSERTS, code, language, seed, key, most=3)


def _with(statements: dict[str, tuple[str, ...]], code: str, language: str, seed: int, key: str, most: int = 1) -> str:
    root = sound_tree(code, language)
    source = code.encode("utf-8", "surrogatepass")
    spots = _spots(root, source, language)
    if not spots:
        raise Refusal(NO_FUNCTION)
    at, indent = chance.pick(seed, "function", key, spots)
    unit = "\t" if "\t" in indent or language == "Go" else "  " if len(indent) == 2 else "    "
    made = []
    for number in range(chance.pick(seed, "how many", key, range(1, most + 1))):
        low = chance.pick(seed, f"number {number}", key, range(2, 60))
        name = chance.pick(seed, f"name {number}", key, _NAMES)
        while name in code:
            name += "_"
        said = chance.pick(seed, f"message {number}", key, _SAID)
        more = low + chance.pick(seed, f"distance {number}", key, range(1, 40))
        made += [
            indent + line.format(n=low, more=more, name=name, said=said, unit=unit) for line in statements[language]
        ]
    source = source[:at] + "".join(f"{line}\n" for line in made).encode() + source[at:]
    text = source.decode("utf-8", "surrogatepass")
    if has_error(text, language):
        raise Refusal("would not parse")
    return text


def _spots(root: Node, source: bytes, language: str) -> list[tuple[int, str]]:
    """The beginnings of the lines where a function's first statement stands, and its indentation."""
    found = []
    within = [(node.start_byte, node.end_byte) for node in leaves(root) if b"\n" in (node.text or b"")]
    for place in places(root):
        function = place.node
        body = function.child_by_field_name("body") if function.type in _FUNCTIONS else None
        if body is None or body.type not in _BODIES:
            continue
        head = source[function.start_byte : body.start_byte]
        if language == "C++" and (b"constexpr" in head or b"consteval" in head):
            continue
        first = _first(body, language)
        if first is None:
            continue
        line = source.rfind(b"\n", 0, first.start_byte) + 1
        indent = source[line : first.start_byte]
        inside = any(start < line < end for start, end in within)
        continued = source[:line].rstrip(b"\r\n").endswith(b"\\")
        if line > function.start_byte and not indent.strip() and not inside and not continued:
            found.append((line, indent.decode()))
    return found


def _first(body: Node, language: str) -> Node | None:
    """The first statement after docstrings and directives."""
    inner = [child for child in body.named_children if child.type == "statement_list"] if language == "Go" else []
    for child in (inner[0] if inner else body).named_children:
        text = (
            child.type == "expression_statement" and child.named_children and "string" in child.named_children[0].type
        )
        if child.type not in _COMMENTS and not (text and language in ("Python", "JavaScript")):
            return child
    return None
