"""Settings of the collections that the training sets are mixed from."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, model_validator

from themis.registry.collections import public_collections
from themis.study.base import Settings

# Collections that a study makes itself; `bugged_NAME` are the programs of a public collection with faults put in.
OWN = ("commits", "humaneval", "instructions", "mutants", "bugs")
BUGGED = "bugged_"


class Place(Settings):
    """Where a public collection is read from, where it differs from its registry line, and how much of it."""

    path: str | None = Field(None, description="Folder or file at hand; none: the hub.")
    hub: str | None = Field(None, description="Hub id; none: that of the registry.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: that of the registry.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Columns by the part they play, where not named as in the registry."
    )
    max_rows: int | None = Field(None, ge=1, description="Cap on the pairs taken; a hash picks.")


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

    @model_validator(mode="after")
    def _names_exist(self) -> Collections:
        public = public_collections()
        bugged = [BUGGED + name for name, line in public.items() if line.form == "solutions"]
        mixed = [*OWN, *bugged, *(name for name, line in public.items() if line.paired)]
        for key, names, known in (
            ("code", self.code, mixed), ("general", self.general, mixed), ("places", list(self.places), list(public))
        ):  # fmt: skip
            for name in names:
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                    hint = f"did you mean {near[0]}?" if near else f"it must be one of {', '.join(known)}"
                    raise ValueError(f"{key}: {name} is no collection; {hint}")
            if len(names) != len(set(names)):
                raise ValueError(f"{key}: a collection is named twice")
        for name, place in self.places.items():
            unknown = set(place.columns) - set(public[name].columns)
            if unknown:
                raise ValueError(
                    f"places.{name}.columns: {sorted(unknown)[0]} is none of {', '.join(public[name].columns) or 'any part'}"
                )
        return self
