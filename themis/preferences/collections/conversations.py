"""Conversations as sources keep them: a list of turns, of which those with one question and one answer are pairs."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

SEVERAL_TURNS = "more than one turn"
NOT_TEXT = "not only text"


def question(turns: Any, *, answered: bool) -> tuple[str | None, str, str | None]:
    """(prompt, answer, why there is none) of a conversation; `answered`: its last turn is the answer, else it has none.

    A system turn stands before the prompt. A conversation that is text already is a prompt.
    """
    if isinstance(turns, str):
        return turns, "", None
    spoken: list[tuple[str, str]] = []
    for turn in turns if isinstance(turns, list) else []:
        text = _text(turn.get("content") if isinstance(turn, dict) else None)
        if text is None:
            return None, "", NOT_TEXT
        spoken.append((str(turn.get("role")), text))
    system = [text for role, text in spoken if role == "system"]
    rest = [(role, text) for role, text in spoken if role != "system"]
    expected = ["user", "assistant"] if answered else ["user"]
    if [role for role, _ in rest] != expected:
        return None, "", SEVERAL_TURNS if len(rest) > len(expected) else NOT_TEXT
    return joined(*system, rest[0][1]), rest[1][1] if answered else "", None


def joined(*parts: str | None) -> str:
    """The parts that have text, with a blank line between them."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip())


def plain(html: str) -> str:
    """The text of an HTML fragment; what it marks as code keeps its lines, in a fence."""
    reader = _Plain()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # parts, each of text or an image
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        if len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return "\n\n".join(texts)
    return None


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append({"pre": "\n```\n", "li": "\n- ", "br": "\n"}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append({"pre": "\n```\n", "p": "\n\n", "h1": "\n\n", "h2": "\n\n", "h3": "\n\n"}.get(tag, ""))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
