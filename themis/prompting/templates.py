"""The kit's own prompt templates; what fills them is data and stays data."""

from __future__ import annotations

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

    Values are put in as they are (a final line break aside) and never read as template syntax. `fence` is added: it
    encloses texts from outside and is longer than any run of backticks in them, so none of them can close it.
    Raises jinja2.UndefinedError where a value is missing.
    """
    texts = {key: value.rstrip("\n") if isinstance(value, str) else value for key, value in values.items()}
    template = _environment().get_template(f"{name}.j2")
    context = template.new_context({**texts, "fence": fence(*(t for t in texts.values() if isinstance(t, str)))})
    system, user = ("".join(template.blocks[block](context)).strip("\n") for block in ("system", "user"))
    return system, user


def fence(*texts: str) -> str:
    """A run of backticks, at least three, longer than any in the texts."""
    longest = max((len(run) for text in texts for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, trim_blocks=True
    )
