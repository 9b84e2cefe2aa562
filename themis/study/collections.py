"""Settings of the collections that the training sets are mixed from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from themis.study.base import Settings


class Place(Settings):
    """Where a public collection is read from, where it differs from its registry line, and how much of it."""

    path: str | None = Field(None, description="Folder or file at hand; none: the hub.")
    hub: str | None = Field(None, description="Hub id; none: that of the registry.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: that of the registry.")
    max_rows: int | None = Field(None, ge=1, description="Cap on the rows taken; a hash picks.")


class Collections(Settings):
    """What the two training sets are mixed from: collections of the study's own and public ones, by name."""

    code: list[str] = Field(["commits"], min_length=1, description="Collections of the code set.")
    general: list[str] = Field(
        ["humaneval", "instructions"], min_length=1, description="Collections of the general set."
    )
    places: dict[str, Place] = Field(default_factory=dict, description="Where public collections are, by name.")
    missing: Literal["stop", "skip"] = Field(
        "stop", description="A public collection that cannot be had ends the run, or is reported and left out."
    )
