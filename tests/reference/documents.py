"""What the documentation says: the pages, their commands, blocks, names and links."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITTEN = [ROOT / "README.md", *sorted((ROOT / "notebooks/howto").glob("*.md"))]
ALL = [*WRITTEN, *sorted((ROOT / "notebooks/reference").glob("*.md"))]

_FENCED = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```", re.M | re.S)
_INDENTED = re.compile(r"(?:(?<=\n\n)|(?<=:\n))(?:    [^\n]*\n)+")
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page; the kind of an indented one is not said."""

    page: Path
    kind: str
    text: str


def blocks(page):
    """The blocks of code of a page."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCED.finditer(text):
        yield Block(page, found["kind"], _dedented(found["text"], len(found["indent"])))
    for found in _INDENTED.finditer(_FENCED.sub("", text)):
        yield Block(page, "", _dedented(found[0], 4))


def prose(page):
    """The text of a page without its blocks of code."""
    return _INDENTED.sub("\n", _FENCED.sub("", page.read_text(encoding="utf-8")))


def spans(page):
    """The code within the text of a page."""
    return [" ".join(span.split()) for span in _SPAN.findall(prose(page)) if "\n\n" not in span]


def links(page):
    """Where the links of a page go."""
    return _LINK.findall(re.sub(r"`[^`\n]*`(?!\])", "", prose(page)))


def commands(page, program):
    """Every command line of a program that a page shows, in blocks and in the text, as words."""
    lines = [line for block in blocks(page) if block.kind in ("", "bash") for line in block.text.splitlines()]
    for text in [*lines, *spans(page)]:
        for part in re.split(r";|&&|\|", text.split(" #")[0]):
            words = shlex.split(part, posix=True) if part.strip().startswith(f"{program} ") else []
            if words:
                yield [word for word in words if word != "..."]


def braces(text):
    """The names that `a{b,c}d` stands for."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", text)
    if not found:
        return [text]
    return [
        name for inside in found[1].split(",") for name in braces(text[: found.start()] + inside + text[found.end() :])
    ]


def anchors(page):
    """The names that a link may end in: those of the headings."""
    heads = re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def _dedented(text, columns):
    return "".join(line[columns:] if line.strip() else "\n" for line in text.splitlines(keepends=True))
