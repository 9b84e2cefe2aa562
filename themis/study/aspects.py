"""Settings of the aspects stage: classifiers, shards, caps."""

from __future__ import annotations

from pydantic import Field

from themis.study.base import Fraction, Settings


class Classifier(Settings):
    """The ModernBERT classifiers, one per criterion."""

    base: str | None = Field(
        None, description="Hub id or folder of a ModernBERT; none: a small one trained from scratch."
    )
    layers: int = Field(2, ge=1, description="Layers of the small one.")
    width: int = Field(96, ge=8, description="Hidden width of the small one.")
    max_tokens: int = Field(128, ge=8, description="Tokens of message and change summary that are read.")
    epochs: int = Field(4, ge=1, description="Passes over the seeds.")
    batch_size: int = Field(32, ge=1, description="Messages per step.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate.")
    held_out: Fraction = Field(
        0.2,
        description="Share of the seeds kept from training: half calibrates and gives the threshold, half measures.",
    )
    max_seeds: int = Field(4000, ge=1, description="Seeds read per criterion at most.")
    min_precision: Fraction = Field(
        0.5,
        description="A classifier's threshold is the least with this precision on held-out seeds, weighted as the "
        "corpus has their kinds; without one the classifier is not used.",
    )


class Aspects(Settings):
    """Which criterion a commit improves."""

    shards: int = Field(2, ge=1, description="Jobs that the labelling is spread over.")
    reference_terms: str | None = Field(
        None, description="Folder of the published term lists, to measure ours beside them; none: ours alone."
    )
    max_train_rows: int | None = Field(
        None,
        ge=1,
        description="Cap on training commits: criteria and languages in turn, those reached by a term first.",
    )
    max_benchmark_rows: int | None = Field(None, ge=1, description="Cap on benchmark commits, picked the same way.")
    classifier: Classifier = Field(default_factory=Classifier)
