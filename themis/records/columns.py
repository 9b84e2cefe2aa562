"""What each table and each of its columns means, read from columns.yaml."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import yaml


def about(table: str) -> str:
    """What a table holds, in a sentence. Raises KeyError where columns.yaml does not say."""
    return _meanings()["tables"][table]


def meaning(table: str, column: str) -> str:
    """What a column of a table means, in a sentence. Raises KeyError where columns.yaml does not say."""
    own = _meanings()["own"].get(table, {})
    return own[column] if column in own else _meanings()["columns"][column]


@lru_cache(maxsize=1)
def _meanings() -> dict[str, dict]:
    return yaml.safe_load(files("themis.records").joinpath("columns.yaml").read_text(encoding="utf-8"))
