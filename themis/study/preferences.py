"""Settings of the training sets: system prompts, filters, caps."""

from __future__ import annotations

from pydantic import Field, model_validator

from themis.study.base import Fraction, Settings


class SystemPrompts(Settings):
    """How often a training pair is shown which system prompt (paper section 4.2)."""

    none: Fraction = Field(0.15, description="Without a system prompt.")
    all: Fraction = Field(0.20, description="All criteria, in shuffled order.")
    single: Fraction = Field(0.65, description="Exactly the pair's criterion.")

    @model_validator(mode="after")
    def _sum_to_one(self) -> SystemPrompts:
        if abs(self.none + self.all + self.single - 1) > 1e-9:
            raise ValueError(f"the shares sum to {self.none + self.all + self.single:g}, not to 1")
        return self


class Preferences(Settings):
    """Assembly of the training sets."""

    system_prompts: SystemPrompts = Field(default_factory=SystemPrompts)
    code_max_tokens: int = Field(4096, ge=16, description="Prompt and longer response of a code pair, at most.")
    general_max_tokens: int = Field(2560, ge=16, description="Prompt and longer response of a general pair, at most.")
    min_syntax_depth: int = Field(3, ge=0, description="Code whose syntax tree is shallower is dropped.")
    overlap_words: int = Field(13, ge=2, description="A shared run of this many words with the benchmark drops a pair.")
    near_duplicate: Fraction = Field(
        0.75, description="Jaccard similarity of near-duplicates, to each other or the benchmark."
    )
    max_code_pairs: int | None = Field(None, ge=1, description="Cap on the code set; a hash picks.")
    max_general_pairs: int | None = Field(None, ge=1, description="Cap on the general set; a hash picks.")
    tokenizer: str = Field("smollm2", description="Language model whose tokenizer counts.")
