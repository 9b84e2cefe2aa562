"""The page of the commands: every command of the command line with its arguments and options."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any, get_args

from themis.reference.markdown import code, table

_NAMES = {int: "whole number", float: "number", str: "text", Path: "path"}


def command_page(commands: Any) -> str:
    """The page's text, a section a command, in the order of `themis --help`. `commands` is Typer's group."""
    parts = ["# Commands\n\nEach step of the DAG is one of these; `themis COMMAND --help` says the same.\n"]
    family = None
    for name, command in commands.commands.items():
        module = sys.modules[inspect.unwrap(command.callback).__module__]
        if module is not family:
            family = module
            parts.append(f"## {_first_line(module.__doc__)}\n")
        parts.append(_section(name, command))
    return "\n".join(parts)


def _section(name: str, command: Any) -> str:
    shown = [param for param in command.params if not getattr(param, "hidden", False) and param.name != "help"]
    arguments = [param for param in shown if param.param_type_name == "argument"]
    options = [param for param in shown if param.param_type_name == "option"]
    usage = " ".join(
        [
            "themis",
            name,
            *(f"{param.name.upper()}{'...' if _many(param) else ''}" for param in arguments),
            *(f"{param.opts[0]} {_metavar(param)}".rstrip() for param in options if param.required),
            *(["[OPTIONS]"] if any(not param.required for param in options) else []),
        ]
    )
    rows = [(code(_spelling(param)), _type(param), _default(param), param.help or "") for param in arguments + options]
    text = f"### {name}\n\n{_joined(command.help)}\n\n    {usage}\n\n"
    return text + (table(("argument or option", "type", "default", "meaning"), rows) if rows else "")


def _spelling(param: Any) -> str:
    if param.param_type_name == "argument":
        return param.name.upper()
    return ", ".join(param.opts + param.secondary_opts)


def _type(param: Any) -> str:
    if getattr(param, "is_flag", False):
        return "switch"
    described = param.type_descriptor
    if described.choices:
        kind = ", ".join(code(str(getattr(choice, "value", choice))) for choice in described.choices)
    else:
        kind = _named(described.annotation)
    limits = (("at least", described.parameter_info.min), ("at most", described.parameter_info.max))
    bounds = [f"{words} {limit:g}" for words, limit in limits if limit is not None]
    return ", ".join([kind, *bounds, *(["repeatable"] if _many(param) else [])])


def _named(annotation: Any) -> str:
    inside = [one for one in get_args(annotation) if one is not type(None)]
    return _named(inside[0]) if inside else _NAMES.get(annotation, annotation.__name__)


def _default(param: Any) -> str:
    if param.required:
        return "must be given"
    value = param.default
    if value is None or callable(value) or value == () or value == []:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(code(str(item)) for item in value)
    return code(str(getattr(value, "value", value)))


def _many(param: Any) -> bool:
    return bool(getattr(param, "multiple", False)) or param.nargs != 1


def _metavar(param: Any) -> str:
    return "" if getattr(param, "is_flag", False) else param.name.upper()


def _joined(text: str | None) -> str:
    return " ".join((text or "").split())


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0].rstrip(".")
