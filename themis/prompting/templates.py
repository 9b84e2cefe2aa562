"""The kit's own prompt templates; what fills them is data and stays data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_FOLDER = Path(__file__).with_name("templates")


def render(name: str, **values: str | Sequence[str] | None) -> tuple[str, str]:
    """The system and the user text of template `name`, constant part first so that its cache serves every request.

    Values are put in as they are (a final line break aside) and never read as template syntax. Two names are added:
    `fence` encloses texts from outside and is longer than any run of backticks in them, so none of them can close it;
    `nonce` goes into the marks of the answer and is in none of the texts, so none of them can hold an answer.
    Raises jinja2.UndefinedError where a value is missing.
    """
    texts = {key: _text(value) for key, value in values.items()}
    every = [text for value in texts.values() if value for text in ([value] if isinstance(value, str) else value)]
    template = _environment().get_template(f"{name}.j2")
    context = template.new_context({**texts, "fence": fence(*every), "nonce": nonce(*every)})
    system, user = ("".join(template.blocks[block](context)).strip("\n") for block in ("system", "user"))
    return system, user


def fence(*texts: str) -> str:
    """A run of backticks, at least three, longer than any in the texts."""
    longest = max((len(run) for text in texts for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def nonce(*texts: str) -> str:
    """Four digits that follow from the texts and are in none of them; more where the texts hold very many."""
    digest = hashlib.blake2b("\x1f".join(texts).encode(errors="surrogatepass"), digest_size=8)
    number, attempt = "", 0
    while not number or any(number in text for text in texts):
        digest.update(b"%d" % attempt)
        number = f"{int.from_bytes(digest.digest(), 'big'):020}"[-(4 + attempt // 16) :]
        attempt += 1
    return number


def shown(user: str) -> list[str]:
    """The texts that a rendered user text encloses in fences, in their order."""
    lines = user.split("\n")
    mark = max((line for line in lines if line and not line.strip("`")), key=len, default="")
    places = [index for index, line in enumerate(lines) if line == mark]
    return ["\n".join(lines[start + 1 : end]) for start, end in zip(places[::2], places[1::2], strict=True)]


def _text(value: str | Sequence[str] | None) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value and value.rstrip("\n")
    return [text.rstrip("\n") for text in value]


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, trim_blocks=True
    )
