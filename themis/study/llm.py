"""Settings of the stages in which language models rate, write and vote."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from themis.study.base import Fraction, Settings

# The published judge: eight sampled votes with a rationale each.
_PUBLISHED_JUDGE: dict[str, Any] = {
    "answer": "text",
    "votes": 8,
    "temperature": 0.8,
    "top_p": 0.95,
    "max_new_tokens": 2560,
}


class Review(Settings):
    """Ratings of commits by language models."""

    reviewers: list[str] = Field(["smollm2"], min_length=1, description="Language models that rate, by name.")
    samples: int = Field(1, ge=1, description="Ratings per pair and reviewer.")
    answer: Literal["digits", "text"] = Field(
        "digits", description="The expected digit by the model's probabilities, or a text with a rating at its end."
    )
    max_new_tokens: int = Field(1024, ge=8, description="Length of a text at most.")
    temperature: float = Field(0.0, ge=0, description="Of texts; 0: greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Of texts: sample from the likeliest tokens that hold so much.")
    context_lines: int | None = Field(
        None, ge=0, description="Lines shown around each changed one; none: every line of both versions."
    )
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    consensus: Literal["mean", "trimmed", "all", "at_least"] = Field(
        "mean",
        description="What must reach min_rating: the mean of the reviewers' ratings, that mean without the lowest and "
        "highest ones, every reviewer's rating, or those of at least so many reviewers.",
    )
    min_rating: float = Field(3.0, ge=1, le=5, description="Rating that a pair must reach to be kept.")
    min_reviewers: int = Field(1, ge=1, description="Pairs that fewer reviewers rated are dropped.")
    at_least: int = Field(1, ge=1, description="Consensus at_least: reviewers who must rate so high.")
    trim: float = Field(
        0.2, ge=0, lt=0.5, description="Consensus trimmed: share of the ratings left out at either end, rounded down."
    )

    @model_validator(mode="after")
    def _enough_reviewers(self) -> Review:
        for key in ("min_reviewers", "at_least"):
            if getattr(self, key) > len(self.reviewers):
                raise ValueError(f"{key}: there are not so many reviewers ({', '.join(self.reviewers)})")
        return self


class Instruct(Settings):
    """Instructions written back from the code."""

    writer: str = Field("smollm2", description="Language model that writes, by name.")
    sees: Literal["both", "new"] = Field(
        "both", description="Both versions, so that the instruction leads to either; or the new one alone."
    )
    max_new_tokens: int = Field(48, ge=8, description="Length of an instruction at most.")
    temperature: float = Field(0.0, ge=0, description="0: greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Sample from the likeliest tokens that hold so much.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")


class Judge(Settings):
    """A/B/TIE votes, both orders for every pair."""

    judges: list[str] = Field(["smollm2"], min_length=1, description="Language models that judge, by name.")
    preset: Literal["published"] | None = Field(
        None,
        description="published: a text, eight votes, temperature 0.8, top_p 0.95, 2,560 tokens, in place of those below.",
    )
    answer: Literal["options", "text"] = Field(
        "options", description="The model's probabilities of A, B and TIE, or a text with the vote at its end."
    )
    votes: int = Field(2, ge=2, multiple_of=2, description="Votes per pair and judge; half in each order.")
    max_new_tokens: int = Field(1024, ge=8, description="Length of a text at most.")
    temperature: float = Field(0.0, ge=0, description="Of texts; 0: greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Of texts: sample from the likeliest tokens that hold so much.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    rule: Literal["lean", "majority", "unanimous"] = Field(
        "lean", description="What decides: the mean lean of the votes, more than half of them, or all of them."
    )
    margin: Fraction = Field(0.0, description="Rule lean: a lean of at most this size is a tie.")
    require: Literal["confirmed", "not_contradicted"] = Field(
        "confirmed", description="Keep pairs the votes confirm, or all that they do not contradict."
    )

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("preset") == "published":
            return {**given, **_PUBLISHED_JUDGE}
        return given


class Recover(Settings):
    """Problems stated for programs that come without one."""

    writer: str | None = Field(None, description="Language model that states them, by name; none: left without.")
    collections: list[str] = Field(
        default_factory=list, description="Collections of which the pairs without a prompt get one."
    )
    max_new_tokens: int = Field(512, ge=8, description="Length of a problem at most.")
    temperature: float = Field(0.0, ge=0, description="0: greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Sample from the likeliest tokens that hold so much.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")

    @model_validator(mode="after")
    def _has_writer(self) -> Recover:
        if self.collections and not self.writer:
            raise ValueError("writer: name the language model that states the problems of collections")
        return self
