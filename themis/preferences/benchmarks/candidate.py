"""A pair as a benchmark's file gives it, and the ids by which a row of several pairs is known again from scores alone."""

from __future__ import annotations

from typing import Any, NamedTuple

from themis.errors import Problem
from themis.preferences.collections.pair import content_id
from themis.preferences.collections.reading import Row

CELL = "#"


class Candidate(NamedTuple):
    """What a row of a file comes to; where `reason` is not null it is no pair, and why.

    `row` names what is sampled as one: the pairs of one prompt that are scored together. Null: the pair alone.
    """

    prompt: str = ""
    chosen: str = ""
    rejected: str = ""
    aspect: str | None = None  # null: the study says it
    language: str | None = None
    subset: str | None = None  # null: the benchmark's name
    id: str | None = None  # null: subset and hash of the contents
    row: str | None = None
    reason: str | None = None

    def named(self) -> str:
        """The pair's id."""
        return self.id or f"{self.subset}_{content_id(self.prompt, self.chosen, self.rejected)}"


def cell_id(row: str, chosen: int, rejected: int) -> str:
    """The id of the pair of a row's so many-th chosen and rejected response; `analysis.benchmark_rules` reads it."""
    return f"{row}{CELL}{chosen}.{rejected}"


def text_in(row: Row, column: str) -> str:
    """The text of a column, empty where it is null. Raises Problem where it is something else."""
    value = row.get(column)
    if value is not None and not isinstance(value, str):
        raise Problem(f"column {column} holds {type(value).__name__}, not text")
    return value or ""


def texts_in(row: Row, column: str) -> list[str]:
    """The texts of a column that holds a list of them. Raises Problem where it is something else."""
    value: Any = row.get(column)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Problem(f"column {column} holds no list of texts")
    return value
