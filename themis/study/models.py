"""Lines of data that name models: language models to generate and train with, reward models to score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from themis.study.base import Settings


class LanguageModel(Settings):
    """Where a language model's weights come from. Exactly one of package, hub and path is given."""

    package: str | None = Field(None, description="Installed Python package that carries a GGUF file.")
    file: str | None = Field(None, description="Name of that file.")
    hub: str | None = Field(None, description="Hub id.")
    revision: str | None = Field(None, description="Commit of the hub repository.")
    path: str | None = Field(None, description="Folder with a Hugging Face checkpoint.")
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="Compute type for generation and scoring.")

    @model_validator(mode="after")
    def _one_source(self) -> LanguageModel:
        given = [name for name in ("package", "hub", "path") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"exactly one of package, hub and path must be given, not {', '.join(given) or 'none'}")
        if self.package and not self.file:
            raise ValueError("package needs file, the GGUF file's name")
        return self


class RewardModel(Settings):
    """A reward model to score: a line of the registry."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="Name in every table and figure.")
    family: Literal["sequence_classifier", "untrained_head", "judge", "random", "length"] = Field(
        description="How it yields a score."
    )
    checkpoint: str | None = Field(
        None, description="Folder of the checkpoint, or the name of one of language_models; none for baselines."
    )
    prompt_mode: Literal["none", "criterion", "all"] = Field("criterion", description="System prompt it is shown.")
