"""The page of the rules: what each rule of the DAG reads, writes and runs."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from themis.reference.markdown import code

_RULE = re.compile(
    r"^(?P<notes>(?:#[^\n]*\n)*)(?:rule|checkpoint) (?P<name>\w+):\n(?P<body>(?:[ \t]+[^\n]*\n|\n)+)", re.M
)
_DIRECTIVE = re.compile(r"^    (\w+):(.*(?:\n(?:        .*)?)*)", re.M)
_COMMAND = re.compile(r'"(?:themis|\{params\.\w+\}|[^"]*?\bthemis) ([a-z][a-z0-9-]+)')


@dataclass(frozen=True)
class Rule:
    """A rule as it stands in its file, which snakefmt keeps in one form."""

    name: str
    notes: str  # the comment above it
    directives: dict[str, str]

    @property
    def command(self) -> str | None:
        """The command of themis that it runs."""
        found = _COMMAND.search(self.directives.get("shell", ""))
        return found[1] if found else None


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file, in order."""
    rules = []
    for found in _RULE.finditer(path.read_text(encoding="utf-8") + "\n"):
        directives = {name: textwrap.dedent(text).strip("\n") for name, text in _DIRECTIVE.findall(found["body"])}
        notes = " ".join(line.lstrip("# ") for line in found["notes"].splitlines())
        rules.append(Rule(found["name"], notes, directives))
    return rules


def rule_page(folder: Path) -> str:
    """The page's text, a section a rule, by file and in the order of the file."""
    parts = [
        "# Rules\n\nWhat each rule reads and writes, as its file says it. `{...}` is a wildcard or a name of the"
        " files without rules; a log and a benchmark file of each lie in `results/logs/`.\n"
    ]
    for path in sorted(folder.glob("*.smk")):
        if rules := read_rules(path):
            parts.append(f"## rules/{path.name}\n")
            parts += [_section(rule) for rule in rules]
    return "\n".join(parts)


def _section(rule: Rule) -> str:
    lines = [f"### {rule.name}\n"]
    if rule.notes:
        lines.append(f"{rule.notes}\n")
    if rule.command:
        lines.append(f"Runs [{code('themis ' + rule.command)}](commands.md#{rule.command}).\n")
    shown = [
        f"{name}:\n{textwrap.indent(rule.directives[name], '    ')}"
        for name in ("input", "output")
        if name in rule.directives
    ]
    return "\n".join(lines) + "\n```python\n" + "\n".join(shown) + "\n```\n"
