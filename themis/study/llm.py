"""Settings of the stages in which language models rate, write and vote."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from themis.study.base import Settings


class Review(Settings):
    """Ratings of commits by language models."""

    reviewers: list[str] = Field(["smollm2"], min_length=1, description="Language models that rate, by name.")
    samples: int = Field(1, ge=1, description="Ratings per pair and reviewer.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    min_rating: float = Field(3.0, ge=1, le=5, description="Pairs whose consensus is below are dropped.")
    consensus: Literal["mean", "all"] = Field("mean", description="Mean of the ratings, or every one of them.")


class Instruct(Settings):
    """Instructions written back from the code."""

    writer: str = Field("smollm2", description="Language model that writes, by name.")
    max_new_tokens: int = Field(48, ge=8, description="Length of an instruction at most.")
    temperature: float = Field(0.0, ge=0, description="0: greedy.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")


class Judge(Settings):
    """A/B/TIE votes, both orders for every pair."""

    judges: list[str] = Field(["smollm2"], min_length=1, description="Language models that judge, by name.")
    votes: int = Field(2, ge=2, multiple_of=2, description="Votes per pair and judge; half in each order.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    margin: float = Field(0.0, ge=0, le=1, description="Share of votes by which one side must lead to be favoured.")
    require: Literal["confirmed", "not_contradicted"] = Field(
        "confirmed", description="Keep pairs the votes confirm, or all that they do not contradict."
    )
