"""Cards of what is exported: Markdown templates in which data stay data."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def render(template: Path, **values: Any) -> str:
    """The text of a Jinja2 template, in a sandbox; a name without a value is an error.

    Filters: `cell`, a text for a cell of a table; `number`, whole numbers with commas, others to four digits.
    """
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=FileSystemLoader(template.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    environment.filters["number"] = lambda value: f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return environment.get_template(template.name).render(**values)
