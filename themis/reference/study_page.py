"""The page of a study's settings: every key with its type, default, meaning and an example, from the Pydantic model."""

from __future__ import annotations

import datetime
import enum
import json
import types
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from themis.reference.markdown import code, table
from themis.study import Study

_NAMES = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    datetime.date: "date",
    Any: "anything",
}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}
_LONGEST = 60  # characters of a default or an example in a cell


def study_page(profiles: Path) -> str:
    """The page's text, a section a group of settings."""
    known = examples(profiles)
    head = (
        "# Settings of a study\n\nA study (`profiles/<name>/study.yaml`) lists only what differs from these defaults, which"
        " `profiles/defaults.yaml` has in full. `[]` stands for each item of a list, `<name>` for a name of your own. An"
        " example is of a shipped study where one sets the key.\n"
    )
    return "\n".join([head, *_sections(Study, "", known, {})])


def keys(
    model: type[BaseModel] = Study, path: str = "", done: set[type[BaseModel]] | None = None
) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting below a model with its path, groups left out and a group that is in two places at its first only; `[]`
    stands for an item, `<name>` for a chosen name."""
    done = set() if done is None else done
    done.add(model)
    for name, field in model.model_fields.items():
        inner, mark = nested(field.annotation)
        if inner is None:
            yield f"{path}{name}", field
        elif inner not in done:
            yield from keys(inner, f"{path}{name}{mark}.", done)


def examples(profiles: Path) -> dict[str, Any]:
    """An example of every setting by its path: of the first shipped study that sets it, else of examples.yaml, else
    another choice than the default."""
    studies = [path.read_text(encoding="utf-8") for path in sorted(profiles.glob("*/study.yaml"))]
    studies.append(files("themis.study").joinpath("examples.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for text in studies:
        for path, value in given(Study, yaml.safe_load(text)):
            if value is not None:
                found.setdefault(path, value)
    for path, field in keys():
        if path not in found and (other := _another(field)) is not None:
            found[path] = other
    return found


def given(model: type[BaseModel], values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings that a study sets, each by its path and value; KeyError names one that there is not."""
    for name, value in values.items():
        if name not in model.model_fields:
            raise KeyError(f"{path}{name}")
        inner, mark = nested(model.model_fields[name].annotation)
        if inner is None:
            yield f"{path}{name}", value
            continue
        members = value if mark == "[]" else value.values() if mark else [value]
        for member in members:
            yield from given(inner, member or {}, f"{path}{name}{mark}.")


def nested(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The group of settings that a setting is, and how a path goes on to it: "" itself, "[]" a list, ".<name>" a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType, Annotated):
        return next((found for found in map(nested, inside) if found[0]), (None, ""))
    if origin is list and nested(inside[0])[0]:
        return nested(inside[0])[0], "[]"
    if origin is dict and nested(inside[1])[0]:
        return nested(inside[1])[0], ".<name>"
    return None, ""


def _sections(
    model: type[BaseModel], path: str, known: Mapping[str, Any], done: dict[type[BaseModel], str]
) -> Iterator[str]:
    done[model] = path
    rows = []
    inner: dict[type[BaseModel], str] = {}
    for name, field in model.model_fields.items():
        group, mark = nested(field.annotation)
        here = f"{path}{name}{mark}"
        if group is None:
            example = _shown(known[here]) if here in known else ""
            rows.append((code(name), _type(field), _default(field), field.description or "", example))
        else:
            place = done.get(group) or inner.setdefault(group, f"{here}.")
            said = field.description or _first_paragraph(group)
            rows.append((code(name), f"see {code(place.rstrip('.'))}", "", said, ""))
    title = code(path.rstrip(".")) if path else "A study"
    yield f"## {title}\n\n{_first_paragraph(model)}\n\n" + table(("key", "type", "default", "meaning", "example"), rows)
    for group, place in inner.items():
        if group not in done:
            yield from _sections(group, place, known, done)


def _type(field: FieldInfo) -> str:
    limits = [
        f"{words} {getattr(limit, name):g}"
        for limit in _limits(field)
        for kind, (name, words) in _BOUNDS.items()
        if isinstance(limit, kind)
    ]
    return ", ".join([_kind(field.annotation), *limits])


def _limits(field: FieldInfo) -> list[Any]:
    """The bounds of a setting, those of an alias such as Fraction included."""
    inside = [one for one in get_args(field.annotation) if isinstance(one, FieldInfo)]
    return [*field.metadata, *(limit for one in inside for limit in one.metadata)]


def _kind(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inside[0])
    if origin in (Union, types.UnionType):
        kinds = [_kind(one) for one in inside if one is not type(None)]
        return " or ".join([*kinds, *(["none"] if type(None) in inside else [])])
    if origin is Literal:
        return ", ".join(code(str(one)) for one in inside)
    if origin is list:
        return f"list of {_kind(inside[0])}"
    if origin is dict:
        return f"{_kind(inside[1])} by name"
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(code(str(one.value)) for one in annotation)
    return _NAMES.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    return _shown(field.get_default(call_default_factory=True))


def _shown(value: Any) -> str:
    plain = to_jsonable_python(value)
    if plain is None:
        return "none"
    text = plain if isinstance(plain, str) and plain else json.dumps(plain, ensure_ascii=False)
    if len(text) > _LONGEST and isinstance(plain, list | dict):
        return f"{len(plain)} of them"
    return code(text)


def _another(field: FieldInfo) -> Any:
    """Another choice than the default, of a setting that has choices."""
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if field.annotation is bool:
        return not default
    kinds = [field.annotation, *get_args(field.annotation)]
    choices = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())
    if get_origin(field.annotation) is list:
        return [choice for choice in choices if choice not in (default or [])][:1] or list(choices[:1]) or None
    return next((choice for choice in choices if choice != default), None)


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())
