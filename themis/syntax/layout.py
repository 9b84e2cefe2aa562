"""Another layout of the same program: other indentation, or as few blanks and lines as it can do with."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from themis import chance
from themis.syntax.comments import checked, without_comments
from themis.syntax.tokens import NEWLINES_COUNT, Nothing, Refusal, leaves, sound_tree

if TYPE_CHECKING:
    from tree_sitter import Node

HEREDOC = "holds a here-document or data after its end"

_UNITS = ("  ", "    ", "\t", "        ")
_TAB = 8
_OPEN, _CLOSE = {b"(", b"[", b"{", b"${", b"#{"}, {b")", b"]", b"}"}
_DELIMITERS = b"()[]{},;"


def reindented(code: str, language: str, *, seed: int, key: str) -> str:
    """The program indented by another unit: two, four or eight blanks, or a tab. Raises Refusal."""
    root = sound_tree(code, language)
    _without_heredoc(root)
    source = code.encode("utf-8", "surrogatepass")
    starts = [0, *(at + 1 for at, byte in enumerate(source) if byte == 10)]
    inside = _inside(root, starts)
    widths = [_width(source, at) for at in starts]
    own = [width for at, width in zip(starts, widths, strict=True) if at not in inside and width is not None]
    steps = Counter(after - before for before, after in pairwise(own) if after > before)
    if not steps:
        raise Nothing("nothing is indented")
    unit = min(steps, key=lambda step: (-steps[step], step))
    tabs = any(source[at : at + 1] == b"\t" for at in starts)
    new = chance.pick(seed, "indentation", key, [one for one in _UNITS if one != ("\t" if tabs else " " * unit)])
    made = []
    for at, end, width in zip(starts, [*starts[1:], len(source)], widths, strict=True):
        line = source[at:end]
        if at not in inside and width is not None:
            levels, rest = divmod(width, unit)
            line = new.encode() * levels + b" " * rest + line.lstrip(b" \t")
        made.append(line)
    return checked(code, b"".join(made).decode("utf-8", "surrogatepass"), language)


def minified(code: str, language: str) -> str:
    """The program without comments, blank lines and the blanks it can do without; docstrings and strings stay.

    Lines are joined where their ends mean nothing: C, C#, C++, Java, and Python within brackets. Raises Refusal.
    """
    try:
        bare = without_comments(code, language)
    except Refusal:
        bare = code
    root = sound_tree(bare, language)
    _without_heredoc(root)
    if any(node.type == "jsx_text" for node in leaves(root)):
        raise Refusal("blanks in its markup are shown")
    source = bare.encode("utf-8", "surrogatepass")
    tokens = [node for node in leaves(root) if (node.text or b"").strip()]
    made, depth, levels = [], 0, [0]
    for before, after in pairwise([None, *tokens]):
        gap = source[before.end_byte if before else 0 : after.start_byte]
        if gap.strip():  # a continued line
            made.append(gap)
        elif b"\n" not in gap and before is not None:
            made.append(_between(before, after, language) if gap else b"")
        elif language == "Python" and not depth:
            made.append((b"\n" if before else b"") + _nested(levels, _width(source, after.start_byte, before=True)))
        elif before is not None:
            ends = language in NEWLINES_COUNT or _directive(before) or _directive(after)
            made.append(b"\n" if ends and not (language == "Python" and depth) else _between(before, after, language))
        text = after.text or b""
        depth += (text in _OPEN) - (text in _CLOSE)
        made.append(text)
    return checked(code, b"".join([*made, b"\n"]).decode("utf-8", "surrogatepass"), language)


def _between(before: Node, after: Node, language: str) -> bytes:
    """Nothing where a delimiter or an operator beside a word parts two tokens, else a blank."""
    first, last = (before.text or b" ")[-1:], (after.text or b" ")[:1]
    if _directive(before):
        return b" "
    if language == "Ruby":  # a blank tells a call from a grouping there
        return b"" if first == b"," else b" "
    if first in _DELIMITERS or last in _DELIMITERS:
        return b""
    words = [byte.isalnum() or byte in (b"_", b"$", b'"', b"'", b"`", b"@") or byte > b"\x7f" for byte in (first, last)]
    number = before.type.endswith(("integer", "float", "number", "literal")) or b"." in (first, last)
    return b"" if words[0] != words[1] and not number else b" "


def _nested(levels: list[int], width: int) -> bytes:
    while levels[-1] > width:
        levels.pop()
    if width > levels[-1]:
        levels.append(width)
    return b" " * (len(levels) - 1)


def _directive(node: Node) -> bool:
    above = node
    while above is not None:
        if above.type.startswith(("preproc", "#")) or above.type.endswith("_directive"):
            return True
        above = above.parent
    return False


def _without_heredoc(root: Node) -> None:
    if any(node.type in ("heredoc_body", "heredoc_beginning", "uninterpreted") for node in leaves(root)):
        raise Refusal(HEREDOC)


def _inside(root: Node, starts: list[int]) -> set[int]:
    """The beginnings of lines that lie within a token: a string or a comment of several lines."""
    long = [(node.start_byte, node.end_byte) for node in leaves(root) if b"\n" in (node.text or b"")]
    return {at for at in starts for start, end in long if start < at < end}


def _width(source: bytes, at: int, *, before: bool = False) -> int | None:
    """Columns that a line is indented by, None for a blank line; with `before`, of the line up to `at`."""
    line = source.rfind(b"\n", 0, at) + 1 if before else at
    end = source.find(b"\n", line)
    text = source[line : len(source) if end < 0 else end]
    if not text.strip():
        return None
    return len(text[: len(text) - len(text.lstrip(b" \t"))].expandtabs(_TAB))
