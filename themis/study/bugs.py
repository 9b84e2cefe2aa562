"""Settings of deliberate faults: pairs of a sound program and one with a fault put in."""

from __future__ import annotations

from pydantic import Field

from themis.study.base import Settings


class Bugs(Settings):
    """Faults put into the new files of training commits: by mutation of the syntax tree, and by a language model."""

    writer: str | None = Field(None, description="Language model that puts faults in, by name; none: only mutation.")
    max_new_tokens: int = Field(2048, ge=8, description="Length of a rewritten program at most.")
    temperature: float = Field(0.0, ge=0, description="0: greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Sample from the likeliest tokens that hold so much.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
