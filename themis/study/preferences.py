"""Settings of the training sets: system prompts, filters, caps."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from themis.study.base import Fraction, Settings

# The shares that the paper states (section 4.2), and those of the system published with it (protocol 1.7).
_PRESETS = {
    "paper": {"none": 0.15, "all": 0.20, "single": 0.65, "subset": 0.0},
    "published": {"none": 0.15, "all": 0.25, "single": 0.60, "subset": 0.0},
}


class SystemPrompts(Settings):
    """How often a training pair is shown which system prompt."""

    preset: Literal["paper", "published"] | None = Field(
        None, description="Shares by name, in place of those below: paper 15/20/65, published 15/25/60."
    )
    none: Fraction = Field(0.15, description="Without a system prompt.")
    all: Fraction = Field(0.20, description="All criteria, in shuffled order.")
    single: Fraction = Field(0.65, description="Exactly the pair's criterion.")
    subset: Fraction = Field(0.0, description="The pair's criterion among some of the others, in shuffled order.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        named = _PRESETS.get(given.get("preset")) if isinstance(given, dict) else None
        return given | named if named else given

    @model_validator(mode="after")
    def _sum_to_one(self) -> SystemPrompts:
        total = self.none + self.all + self.single + self.subset
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares sum to {total:g}, not to 1")
        return self


class Perplexity(Settings):
    """How improbable a prompt may be: by a KenLM model, or else by a language model; off where neither is named."""

    kenlm: str | None = Field(None, description="KenLM file: ARPA text or KenLM's binary form.")
    sentencepiece: str | None = Field(None, description="SentencePiece model that cuts the text for it; none: words.")
    language_model: str | None = Field(None, description="One of language_models.")
    most: float = Field(1200.0, gt=1, description="A prompt of a higher perplexity is dropped.")

    @model_validator(mode="after")
    def _one_model(self) -> Perplexity:
        if self.kenlm and self.language_model:
            raise ValueError("kenlm and language_model are two ways to measure; name one")
        if self.sentencepiece and not self.kenlm:
            raise ValueError("sentencepiece cuts the text for a KenLM model; name one in kenlm")
        return self


class Preferences(Settings):
    """Assembly of the training sets."""

    system_prompts: SystemPrompts = Field(default_factory=SystemPrompts)
    code_max_tokens: int = Field(4096, ge=16, description="Prompt and longer response of a code pair, at most.")
    general_max_tokens: int = Field(2560, ge=16, description="Prompt and longer response of a general pair, at most.")
    min_syntax_depth: int = Field(3, ge=0, description="Code whose syntax tree is shallower is dropped.")
    overlap_words: int = Field(13, ge=2, description="A shared run of this many words with the benchmark drops a pair.")
    decontaminate: list[str] = Field(
        [], description="Files or folders (Parquet, JSON lines, JSON) of further benchmarks, for the same."
    )
    near_duplicate: Fraction = Field(
        0.75, description="Jaccard similarity of near-duplicates, to each other within a source, or to the benchmark."
    )
    shingle: int = Field(20, ge=1, description="Words of a shingle where pairs of a source are compared.")
    english: bool = Field(True, description="Pairs whose prompt is not in English are dropped.")
    language_identifier: str | None = Field(
        None, description="fastText model that tells languages apart, such as GlotLID; none: the one that is installed."
    )
    perplexity: Perplexity = Field(default_factory=Perplexity)
    balance: Literal["none", "downsample"] = Field(
        "none", description="downsample: pairs go until chosen is the longer response as often as it is the shorter."
    )
    balance_within: list[Literal["source", "aspect", "language"]] = Field(
        ["source", "aspect", "language"], min_length=1, description="What makes the cells that are balanced."
    )
    max_code_pairs: int | None = Field(None, ge=1, description="Cap on the code set; a hash picks.")
    max_general_pairs: int | None = Field(None, ge=1, description="Cap on the general set; a hash picks.")
    tokenizer: str = Field("smollm2", description="Language model whose tokenizer counts.")
