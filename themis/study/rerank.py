"""Settings of re-ranking: which problems, how many candidate solutions of each, and where they come from."""

from __future__ import annotations

from pydantic import Field, model_validator

from themis.study.base import Settings


class Rerank(Settings):
    """Candidate solutions of problems, run against the problems' tests and put in order by every model that scores."""

    candidates: str | None = Field(
        None, description="Table of candidates of one's own (schema rerank_set); none: solutions of HumanEval problems."
    )
    problems: int = Field(
        20, ge=0, le=164, description="HumanEval problems, none of which the general set has; 0: no re-ranking."
    )
    per_problem: int = Field(
        40, ge=2, description="Different candidates of a problem at most: the canonical solution, samples, mutants."
    )
    timeout_s: float = Field(2.0, gt=0, description="Time limit of one test run; mutants that never end are common.")
    writer: str | None = Field(
        None, description="Language model that solves the problems too, by name; none: canonical solutions and mutants."
    )
    samples: int = Field(8, ge=1, description="Solutions of a problem that the writer is asked for.")
    max_new_tokens: int = Field(512, ge=8, description="Length of a solution at most.")
    temperature: float = Field(0.8, ge=0, description="0: greedy.")
    top_p: float = Field(0.95, gt=0, le=1, description="Sample from the likeliest tokens that hold so much.")

    @model_validator(mode="after")
    def _room_for_samples(self) -> Rerank:
        if self.writer and self.samples >= self.per_problem:
            raise ValueError(f"samples: {self.samples} beside the canonical solution are more than per_problem")
        return self
