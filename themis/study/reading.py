"""Read a study from a mapping or a YAML file; say in one line what is wrong with it."""

from __future__ import annotations

import difflib
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from themis.errors import Problem
from themis.study.model import Study


def load(path: Path) -> Study:
    """The study in a YAML file. Raises Problem naming the file, the key and the nearest valid one."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise Problem(f"{path}: not YAML: {' '.join(str(error).split())[:160]}") from None
    return validate(data or {}, source=str(path))


def validate(data: Mapping[str, Any], source: str = "study.yaml") -> Study:
    """The study in a mapping, defaults filled in."""
    if not isinstance(data, Mapping):
        raise Problem(f"{source}: a study is a mapping of settings, not {type(data).__name__}")
    try:
        return Study.model_validate(dict(data))
    except ValidationError as error:
        raise Problem("; ".join(_say(source, one) for one in error.errors())) from None


def digest(study: Study) -> str:
    """A short hash of everything the study says that results depend on."""
    text = json.dumps(study.model_dump(mode="json", exclude={"machine"}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _say(source: str, error: Mapping[str, Any]) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    if error["type"] == "extra_forbidden":
        known = _keys(Study, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return f"{source}: {where}: no such key; {hint}"
    if error["type"] == "missing":
        return f"{source}: {where}: must be given"
    message = error["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(error["input"], Mapping | BaseModel) else f"{error['input']!r}: "
    return ": ".join(part for part in (source, where, shown + message) if part)


def _keys(model: Any, location: tuple[Any, ...]) -> list[str]:
    """The valid keys at a location of the study."""
    for part in location:
        model = model.model_fields[part].annotation if _is_model(model) and part in model.model_fields else model
        if isinstance(part, int) or not _is_model(model):
            model = _inner(model)
    return list(model.model_fields) if _is_model(model) else []


def _inner(annotation: Any) -> Any:
    """The model inside `list[Model]`, `dict[str, Model]` or `Model | None`."""
    if typing.get_origin(annotation) in (list, tuple, dict, types.UnionType, typing.Union):
        for argument in typing.get_args(annotation):
            found = _inner(argument)
            if _is_model(found):
                return found
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
