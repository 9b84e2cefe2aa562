"""Facts of the public data sets the paper mixes or publishes, read from collections.yaml."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from themis.vocabulary import LANGUAGES, NATURAL_LANGUAGE, Criterion

# What a form reads: each of these parts must be the name of a column.
FORM_PARTS: dict[str, tuple[str, ...]] = {
    "pairs": ("chosen", "rejected"),
    "chats": ("chosen", "rejected"),
    "votes": ("first", "second", "winner"),
    "answers": ("prompt", "answers"),
    "negatives": ("prompt", "positives", "negatives"),
    "measured": ("prompt",),
    "codenet": (),
    "solutions": ("prompt", "solution"),
    "published": ("input", "chosen", "rejected", "language", "aspect", "source", "idx"),
    "benchmark": ("id", "prompt", "chosen", "rejected", "language", "aspect", "subset"),
    "commits": (
        "commit", "subject", "message", "repos", "license", "old_file", "new_file", "unix_time", "old_contents",
        "new_contents",
    ),
}  # fmt: skip


class Aspects(BaseModel):
    """The criterion of a row by the text of a column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="Column whose text decides.")
    patterns: dict[Criterion, str] = Field(description="Regular expression by criterion; the first found in it counts.")
    otherwise: Criterion = Field(description="Where none is found.")


class PublicCollection(BaseModel):
    """A public data set as a source of pairs. A fact that is None is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name in a study and in every table.")
    title: str = Field(description="Name in the paper.")
    mixture: Literal["code", "general"] | None = Field(None, description="Training set of the paper it is part of.")
    hub: str | None = Field(None, description="Hub id.")
    config: str | None = Field(None, description="Configuration of the hub data set.")
    split: str = Field("train", description="Split that is read.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: the newest, whatever it is.")
    files: list[str] = Field(
        default_factory=list, description="Patterns of its files; {language} stands for one language after the other."
    )
    language_keys: dict[str, str] = Field(
        default_factory=dict, description="How file names spell languages, where not as our keys."
    )
    license: str | None = Field(None, description="Licence: an SPDX key, or the data card's word.")
    citation: str | None = Field(None, description="arXiv number of its paper, or its page.")
    rows: int | None = Field(None, ge=1, description="Rows of the split.")
    pairs: int | None = Field(None, ge=1, description="Pairs in the paper's mixture, after all its filters.")
    form: str = Field(description="How a row becomes pairs.")
    columns: dict[str, str] = Field(default_factory=dict, description="Columns by the part they play in the form.")
    where: dict[str, list[Any]] = Field(default_factory=dict, description="Rows taken: values by column.")
    language: str | None = Field(None, description="Language of every pair, where no column says it.")
    aspect: Criterion | None = Field(None, description="Criterion of every pair, where no column says it.")
    aspects: Aspects | None = Field(None, description="Criterion by a column's text.")
    options: dict[str, Any] = Field(default_factory=dict, description="Numbers of the form's recipe.")
    most: int | None = Field(None, ge=1, description="Pairs taken at most; a hash picks.")
    recipe: str = Field(description="How pairs are selected, in words.")
    verified: bool = Field(description="Whether the columns were seen in public documentation of the data set.")
    note: str | None = Field(None, description="What is not known, or differs from the paper.")

    @property
    def reads(self) -> list[str]:
        """Every column that is read, sorted."""
        listed = [names["column"] for names in self.options.get("lists", {}).values()]
        decides = [self.aspects.column] if self.aspects else []
        return sorted({*self.columns.values(), *self.where, *decides, *listed})

    @property
    def makes(self) -> str:
        """The schema its rows are written in."""
        return {"benchmark": "benchmark", "commits": "retrieved"}.get(self.form, "collection")

    @property
    def paired(self) -> bool:
        """Whether it can be part of a training set: its rows have two responses."""
        return self.makes == "collection" and self.form != "solutions"

    @model_validator(mode="after")
    def _complete(self) -> PublicCollection:
        if self.form not in FORM_PARTS:
            raise ValueError(f"{self.name}: form {self.form} is none of {', '.join(FORM_PARTS)}")
        missing = [part for part in FORM_PARTS[self.form] if part not in self.columns]
        if missing:
            raise ValueError(f"{self.name}: no column for {', '.join(missing)}")
        if self.language not in (None, NATURAL_LANGUAGE, *LANGUAGES):
            raise ValueError(f"{self.name}: language {self.language} is none of ours")
        if self.paired and self.form not in ("published", "measured", "codenet") and not (self.aspect or self.aspects):
            raise ValueError(f"{self.name}: no criterion")
        return self


def public_collections() -> dict[str, PublicCollection]:
    """Every line of the registry by name, in the paper's order."""
    return dict(_registry())


@lru_cache(maxsize=1)
def _registry() -> dict[str, PublicCollection]:
    text = files("themis.registry").joinpath("collections.yaml").read_text(encoding="utf-8")
    lines = [PublicCollection.model_validate(line) for line in yaml.safe_load(text)]
    return {line.name: line for line in lines}
