"""Settings of robustness: how many pairs are perturbed, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from themis.study.base import Settings
from themis.vocabulary import PERTURBATIONS

_NAMES = tuple(name for name, one in PERTURBATIONS.items() if one.side != "system")


class Robustness(Settings):
    """Pairs of the benchmark, changed so that a judge might be misled, and scored again."""

    pairs: int = Field(8, ge=0, description="Pairs of the benchmark that are perturbed, chosen by chance; 0: none.")
    perturbations: list[Literal[_NAMES]] = Field(
        list(_NAMES), min_length=1, description="How a pair is changed, each on its own."
    )
    criteria_orders: int = Field(
        2,
        ge=0,
        le=119,
        description="Other orders of all criteria in the system prompt that the same pairs are scored under.",
    )
    models: list[str] | None = Field(None, description="Models of score.models that are tested; none: all.")
