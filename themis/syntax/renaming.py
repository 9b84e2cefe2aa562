"""Local names renamed, and nothing else: names bound in a function of which every use is known to be that variable."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from themis import chance
from themis.syntax.bindings import RULES, Rules
from themis.syntax.parse import has_error
from themis.syntax.tokens import Nothing, Refusal, leaves, sound_tree

if TYPE_CHECKING:
    from tree_sitter import Node

NO_NAME = "no local name that can be renamed"
NO_COMPOUND = "no local name of several words"

_STEMS = ("v", "x", "q", "tmp", "var_", "aa", "n_")


@dataclass(frozen=True)
class _Use:
    """An occurrence of a name: the node, and the nodes above it with the field that each fills, outermost first."""

    node: Node
    above: tuple[tuple[Node, str], ...]
    field: str

    @property
    def spot(self) -> tuple[str, str]:
        return self.above[-1][0].type, self.field


def obscured(code: str, language: str, *, seed: int, key: str) -> str:
    """The program with meaningless local names. Raises Refusal where none can be renamed."""
    stem = chance.pick(seed, "stem of names", key, _STEMS)

    def rename(name: str, place: int) -> str:
        return f"{stem}{place + 1}"

    return _renamed(code, language, rename, NO_NAME)


def restyled(code: str, language: str) -> str:
    """The program with its local names of several words in the other style: snake_case or camelCase. Raises Refusal."""

    def rename(name: str, place: int) -> str:
        if "_" in name.strip("_"):
            return re.sub(r"(?<=[A-Za-z0-9])_+([A-Za-z0-9])", lambda found: found[1].upper(), name)
        return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found[1].lower(), name)

    return _renamed(code, language, rename, NO_COMPOUND)


def local_names(code: str, language: str) -> list[tuple[str, list[int]]]:
    """Names that can be renamed, a function's in the order of the text, each with the bytes where it stands.

    A name of two functions comes twice. Parameters that a caller may name (C#, Python, Ruby's with a colon), names of
    attributes, exported names and all whose scope is not plain are left out. Raises Refusal where the code does not parse.
    """
    root = sound_tree(code, language)
    rules = RULES[language]
    macros = _words(root) if "preproc_arg" in rules.leaves else set()
    found = []
    for function in _outermost(root, rules):
        uses, forbidden = _uses(function, rules)
        for name, own in uses.items():
            if name not in forbidden | macros and (places := _variable(own, function, rules)):
                found.append((name.decode("utf-8", "surrogatepass"), places))
    return found


def _renamed(code: str, language: str, rename: Callable[[str, int], str], reason: str) -> str:
    edits: list[tuple[int, bytes, bytes]] = []
    known = set(re.findall(r"\w+", code))
    taken: dict[str, str] = {}
    for name, places in local_names(code, language):
        new = taken.get(name) or rename(name, len(taken))
        while name not in taken and new != name and new in known:
            new = f"{new}_" if reason == NO_NAME else name
        if new == name or not re.fullmatch(r"[a-z_]\w*", new, re.ASCII):
            continue
        taken[name] = new
        known.add(new)
        edits += [(at, name.encode(), new.encode()) for at in places]
    if not edits:
        raise Nothing(reason)
    source = code.encode("utf-8", "surrogatepass")
    for at, old, new in sorted(edits, reverse=True):
        source = source[:at] + new + source[at + len(old) :]
    made = source.decode("utf-8", "surrogatepass")
    if has_error(made, language):
        raise Refusal("would not parse")
    return made


def _outermost(root: Node, rules: Rules) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in rules.functions:
            yield node
        else:
            waiting += reversed(node.children)


def _words(root: Node) -> set[bytes]:
    """Words of macros, and names of fields, which a macro may be given: a variable of that name may be used unseen."""
    texts = (node.text or b"" for node in leaves(root) if node.type in ("preproc_arg", "field_identifier"))
    return {word for text in texts for word in re.findall(rb"\w+", text)}


def _uses(function: Node, rules: Rules) -> tuple[dict[bytes, list[_Use]], set[bytes]]:
    """Every identifier by name, and the names that a token of another kind bears; nothing for a function ruled out."""
    uses: dict[bytes, list[_Use]] = defaultdict(list)
    forbidden: set[bytes] = set()
    for use in _walk(function):
        node, text = use.node, use.node.text or b""
        if node.type in rules.foreign or (node.type == "identifier" and text in rules.words):
            return {}, set()
        if node.type == "identifier" and len(text) > 1 and text.startswith(b"$"):
            return {}, set()  # a framework may hand over arguments by their names
        if node.type == "interpolation" and any(child.type == "=" for child in node.children):
            return {}, set()  # Python's f"{name=}" prints the name
        if node.type == "pair" and node.named_child_count == 1:
            return {}, set()  # Ruby's {name:} is both a key and a variable
        if node.type in rules.functions and node != function and node.type in ("method", "singleton_method"):
            return {}, set()
        if node.type == "identifier":
            uses[text].append(use)
        elif not node.child_count and node.type in rules.leaves:
            forbidden.update(re.findall(rb"\w+", text))
    return uses, forbidden


def _walk(function: Node) -> Iterator[_Use]:
    cursor = function.walk()
    above: list[tuple[Node, str]] = []
    while True:
        node, filled = cursor.node, cursor.field_name or ""
        if above:
            yield _Use(node, tuple(above), filled)
        if cursor.goto_first_child():
            above.append((node, filled))
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            above.pop()


def _variable(uses: list[_Use], function: Node, rules: Rules) -> list[int]:
    """Where a name stands for a variable of the function; nowhere where one of its uses is unclear."""
    name = uses[0].node.text or b""
    if name.startswith(b"__") or name in (b"_", b"self", b"this", b"cls", b"arguments"):
        return []
    body = function.child_by_field_name("body")
    bound, read, begun = [], [], set()
    for use in uses:
        if _listed(use.spot, rules.other):
            continue
        if _listed(use.spot, rules.unclear) or (not rules.calls and use.spot == ("call_expression", "function")):
            return []
        if not rules.calls and use.spot == ("invocation_expression", "function"):
            return []
        if rules.body_only and (body is None or not body.start_byte <= use.node.start_byte < body.end_byte):
            return []
        read.append(use.node.start_byte)
        found = _bound_in(use, rules)
        if found is _UNCLEAR:
            return []
        if found is not None:
            begun.add(use.node.start_byte)
            bound.append(found)
    known = all(at in begun or any(start <= at < end for start, end in bound) for at in read)
    return read if bound and known else []


_UNCLEAR = (-1, -1)
_LATE = {
    "short_var_declaration",
    "var_spec",
    "range_clause",
    "receive_statement",
}  # Go knows the name only behind these


def _bound_in(use: _Use, rules: Rules) -> tuple[int, int] | None:
    """The bytes where a name bound here is known, none where it is not bound; _UNCLEAR where it can't be said."""
    above = list(use.above)
    holder, filled = above.pop()[0], use.field
    while (holder.type, filled) in rules.patterns and above:
        filled = use.above[len(above)][1]
        holder = above.pop()[0]
    spot = (holder.type, filled)
    if spot not in rules.binds and spot not in rules.parameters:
        return None
    marks = {child.type for child in holder.children}
    if holder.type in ("range_clause", "receive_statement") and ":=" not in marks:
        return None
    if holder.type == "for_in_statement" and not marks & {"const", "let", "var"}:
        return None
    scope = next(node for node, _ in reversed(use.above) if node.type in rules.scopes or node.type in rules.functions)
    if spot in rules.parameters:
        annotated = any(child.type == "modifiers" and b"@" in (child.text or b"") for child in holder.children)
        if annotated or (scope.type not in rules.functions and scope.type not in ("block", "do_block", "lambda")):
            return _UNCLEAR
    if (holder.text or b"").startswith(b"extern"):
        return _UNCLEAR
    value = holder.child_by_field_name("value")
    if value is not None and "function" in value.type:
        return _UNCLEAR  # a function takes its name from the variable
    if rules.body_only and scope != use.above[0][0]:
        return None if scope.type != "lambda" else _UNCLEAR  # bound by a function within
    late = holder.end_byte if holder.type in _LATE else use.node.start_byte
    return scope.start_byte if rules.body_only else late, scope.end_byte


def _listed(spot: tuple[str, str], spots: frozenset[tuple[str, str]]) -> bool:
    return spot in spots or (spot[0], "*") in spots
