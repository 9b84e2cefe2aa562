"""Facts of the reward models the paper compares, read from models.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field


class ReferenceModel(BaseModel):
    """A reward model as a reader knows it. A fact that is None has not been verified."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(description="Name in every table and figure, and of its folder among the published runs.")
    family: str = Field(description="Models of one maker and recipe; one colour in every figure.")
    size: float | None = Field(None, gt=0, description="Parameters, in billions.")
    kind: Literal["scalar", "generative", "baseline", "unknown"] = Field(
        "unknown",
        alias="class",
        description="A head on a language model, a language model that answers, or a baseline.",
    )
    architecture: str | None = Field(None, description="Family of scorers that reads its score (`score.families`).")
    prompt_mode: str = Field("none", description="System prompt it was made for, as a study names them.")
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="Compute type; that of the weights.")
    context: int | None = Field(None, gt=0, description="Longest conversation, in tokens.")
    range: tuple[float, float] | None = Field(None, description="Least and largest score the model's rubric allows.")
    hub: str | None = Field(None, description="Hub id.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: the newest, whatever it is.")
    verified: bool = Field(False, description="Whether hub id, revision and architecture were seen at the hub.")
    license: str | None = Field(None, description="Licence of the weights: an SPDX key where there is one.")
    citation: str | None = Field(None, description="arXiv number of the model's paper, or its page.")


def known_models() -> tuple[ReferenceModel, ...]:
    """Every model of the registry, in the paper's order."""
    return tuple(_registry().values())


def reference_model(name: str) -> ReferenceModel:
    """A model's facts; for a name that is not in the registry, a family of its own and nothing else."""
    return _registry().get(name) or ReferenceModel(name=name, family=name)


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the registry's order; those it does not know follow in the order given."""
    names = list(names)
    places = {name: place for place, name in enumerate(_registry())}
    return sorted(names, key=lambda name: (places.get(name, len(places)), names.index(name)))


@lru_cache(maxsize=1)
def _registry() -> dict[str, ReferenceModel]:
    text = files("themis.registry").joinpath("models.yaml").read_text(encoding="utf-8")
    models = [ReferenceModel.model_validate(line) for line in yaml.safe_load(text)]
    return {model.name: model for model in models}
