"""Settings of training: the base, the stages, how they run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from themis.study.base import Fraction, Settings


class Stage(Settings):
    """One training stage (paper table 5)."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name of the stage and of its folder.")
    data: Literal["general", "code"] = Field(description="Preference set it trains on.")
    epochs: int = Field(1, ge=1, description="Passes over the set.")
    batch_pairs: int = Field(16, ge=1, description="Pairs per optimiser step, over all processes.")
    learning_rate: float = Field(1e-5, gt=0, description="Peak learning rate.")
    final_learning_rate: float = Field(5e-7, ge=0, description="Learning rate at the last step.")
    head_learning_rate: float | None = Field(None, gt=0, description="Peak of the head's own rate; none: the same.")
    warmup: Fraction = Field(0.05, description="Share of the steps with a rising rate.")
    clip: float = Field(1.5, gt=0, description="Largest norm of the gradient.")
    weight_decay: float = Field(0.1, ge=0, description="On weight matrices only.")
    lm_weight: float = Field(
        0.25, ge=0, description="Lambda: weight of the language-model loss on the chosen response."
    )
    magnitude_weight: float = Field(0.001, ge=0, description="Mu: weight of the magnitude term.")
    magnitude: Literal["centering", "absolute", "none"] = Field(
        "centering", description="(rc+rr)^2, (|rc|+|rr|)^2 or none."
    )
    max_tokens: int = Field(4096, ge=16, description="Tokens of a packed pair at most; a longer pair is dropped.")


class Train(Settings):
    """The trained reward model."""

    name: str = Field("themis-rm", pattern=r"^[A-Za-z0-9._-]+$", description="Name of the trained model.")
    base: str = Field("smollm2", description="Language model it starts from, by name.")
    stages: list[Stage] = Field(
        [
            Stage(
                name="pretraining",
                data="general",
                epochs=2,
                batch_pairs=1024,
                learning_rate=2e-5,
                final_learning_rate=1e-5,
                clip=2.0,
                lm_weight=0.4,
                magnitude_weight=0.01,
                max_tokens=2560,
            ),
            Stage(name="preference", data="code", batch_pairs=512),
        ],
        min_length=1,
        description="Stages in order; each starts from the one before.",
    )
    processes: int = Field(1, ge=1, description="Processes (GPUs, or cores without any) that share a stage.")
    threads: int = Field(1, ge=1, description="CPU threads of each process.")
    batch_tokens: int = Field(4096, ge=16, description="Tokens per forward pass and process.")
    frozen_layers: int = Field(
        0, ge=0, description="Lowest decoder layers that keep their weights, with the embeddings."
    )
    checkpoint_every: int = Field(50, ge=1, description="Steps between resumable checkpoints.")
