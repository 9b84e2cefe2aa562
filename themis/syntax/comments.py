"""Comments put into a program or taken out of it, which leaves it the same program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from themis import chance
from themis.syntax.parse import parse
from themis.syntax.places import Place, places
from themis.syntax.tokens import Nothing, Refusal, comments, errors, leaves, same_program, sound_tree

if TYPE_CHECKING:
    from tree_sitter import Node

NO_COMMENT = "no comment"
NO_STATEMENT = "no statement on a line of its own"
CHANGED = "would be another program"

_HASH = {"Python", "Ruby"}
# Comments that a compiler or interpreter reads.
_READ = {
    "Go": re.compile(rb"//go:|//\s*\+build|//export |//line |/\*line "),
    "Python": re.compile(rb"#!|#.*?coding[:=]"),
    "Ruby": re.compile(rb"#!|#.*?(coding|frozen_string_literal|warn_indent|shareable_constant_value|typed)\s*[:=]"),
}
_FIRST_LINES = re.compile(r"#!|#.*?(coding|frozen_string_literal|warn_indent|shareable_constant_value)\s*[:=]")

_KINDS = {
    "loop": {
        "for_statement", "while_statement", "do_statement", "for_in_statement", "enhanced_for_statement",
        "foreach_statement", "for_range_loop", "for", "while", "until",
    },
    "branch": {
        "if_statement", "switch_statement", "expression_switch_statement", "if", "unless", "case", "match_statement",
    },
    "return": {"return_statement", "return"},
    "assignment": {
        "local_variable_declaration", "declaration", "local_declaration_statement", "lexical_declaration",
        "variable_declaration", "short_var_declaration", "var_declaration", "assignment_statement", "assignment",
        "operator_assignment",
    },
}  # fmt: skip
_ASSIGNED = {"assignment", "augmented_assignment", "assignment_expression", "augmented_assignment_expression"}
_BODIES = {
    "block", "statement_block", "compound_statement", "statement_list", "body_statement", "block_body",
    "constructor_body", "then", "else", "do",
}  # fmt: skip


def comment(text: str, language: str) -> str:
    """A text of one line as a line comment."""
    return f"{'#' if language in _HASH else '//'} {text}"


def headed(code: str, language: str, text: str) -> str:
    """The program with a comment on top, below the lines that must come first. Raises Refusal."""
    if parse(code, language) is None:
        raise Refusal("no code")
    lines = code.splitlines(keepends=True)
    first = 0
    while language in _HASH and first < len(lines) and _FIRST_LINES.match(lines[first]):
        first += 1
    if first and not lines[first - 1].endswith("\n"):
        raise Refusal(NO_STATEMENT)
    made = "".join([*lines[:first], comment(text, language) + "\n", *lines[first:]])
    if errors(made, language) > errors(code, language):
        raise Refusal(CHANGED)
    return made


def explained(
    code: str, language: str, texts: Mapping[str, Sequence[str]], share: float, *, seed: int, key: str
) -> str:
    """The program with comments above its statements, each statement's with the probability `share`, one at least.

    `texts` holds the wordings by kind of statement: loop, branch, return, assignment. Raises Refusal where no statement
    of these kinds begins its line.
    """
    root = sound_tree(code, language)
    source = code.encode("utf-8", "surrogatepass")
    within = [(node.start_byte, node.end_byte) for node in leaves(root)]
    found = [
        (place.node.start_byte, kind)
        for place in places(root)
        if (kind := _kind(place)) in texts and _begins_line(source, place.node, within)
    ]
    if not found:
        raise Refusal(NO_STATEMENT)
    chosen = [one for one in found if chance.uniform(seed, f"comment at {one[0]}", key) < share]
    chosen = chosen or [chance.pick(seed, "only comment", key, found)]
    for at, kind in reversed(chosen):
        said = chance.pick(seed, f"wording at {at}", key, texts[kind])
        line = source.rfind(b"\n", 0, at) + 1
        source = source[:line] + source[line:at] + comment(said, language).encode() + b"\n" + source[line:]
    return checked(code, source.decode("utf-8", "surrogatepass"), language)


def without_comments(code: str, language: str) -> str:
    """The program without its comments, but for those that a compiler reads. Raises Refusal where it has none."""
    root = sound_tree(code, language)
    source = code.encode("utf-8", "surrogatepass")
    if language == "Go" and b'import "C"' in source:
        raise Refusal("its comments are compiled")
    kept = _READ.get(language)
    gone = [node for node in comments(root) if not (kept and kept.match(node.text or b""))]
    if not gone:
        raise Nothing(NO_COMMENT)
    for node in reversed(gone):
        start, end, instead = _cut(source, node, language)
        source = source[:start] + instead + source[end:]
    return checked(code, source.decode("utf-8", "surrogatepass"), language)


def checked(code: str, made: str, language: str) -> str:
    """The changed text. Raises Refusal where more than comments and blanks changed, or nothing did."""
    if made == code:
        raise Nothing("nothing to change")
    if not same_program(code, made, language):
        raise Refusal(CHANGED)
    return made


def _cut(source: bytes, node: Node, language: str) -> tuple[int, int, bytes]:
    """What to cut a comment out with: its lines where it has them to itself, and what takes its place."""
    start, end = node.start_byte, node.end_byte
    while source[end - 1 : end] in (b"\n", b"\r"):
        end -= 1
    line = source.rfind(b"\n", 0, start) + 1
    following = source.find(b"\n", end)
    following = len(source) if following < 0 else following
    alone, last = not source[line:start].strip(), not source[end:following].strip()
    if alone and last:
        return line, min(following + 1, len(source)), b""
    if last:
        return line + len(source[line:start].rstrip()), following, b""
    broken = b"\n" in source[start:end] and language in ("JavaScript", "Go")  # there it counts as the end of a line
    return start, end, b"\n" if broken else b" "


def _kind(place: Place) -> str:
    if place.function is None or place.within not in _BODIES or not place.node.is_named:
        return ""
    if place.node.type == "expression_statement":
        inner = place.node.named_children
        return "assignment" if inner and inner[0].type in _ASSIGNED else ""
    return next((kind for kind, types in _KINDS.items() if place.node.type in types), "")


def _begins_line(source: bytes, node: Node, within: list[tuple[int, int]]) -> bool:
    line = source.rfind(b"\n", 0, node.start_byte) + 1
    before = source[:line].rstrip(b"\r\n")
    inside = any(start < line < end for start, end in within)
    return not source[line : node.start_byte].strip() and not before.endswith(b"\\") and not inside
