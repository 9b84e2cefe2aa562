"""Settings of training: the base, the stages, the variants, how they run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from themis.study.base import Fraction, Settings
from themis.vocabulary import CODE_CRITERIA, FILE_LANGUAGES, Criterion

MERGED = "merged"  # the folder of a merge, where a trained model has those of its stages
_MODEL_NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
_Count = Annotated[int, Field(ge=1)]


class Stage(Settings):
    """One training stage (paper table 5)."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name of the stage and of its folder.")
    data: Literal["general", "code"] = Field(description="Preference set it trains on.")
    epochs: int = Field(1, ge=1, description="Passes over the set.")
    batch_pairs: int = Field(16, ge=1, description="Pairs per optimiser step, over all processes.")
    learning_rate: float = Field(1e-5, gt=0, description="Peak learning rate.")
    final_learning_rate: float = Field(5e-7, ge=0, description="Learning rate at the last step.")
    head_learning_rate: float | None = Field(None, gt=0, description="Peak of the head's own rate; none: the same.")
    schedule: Literal["cosine", "wsd"] = Field(
        "cosine", description="After the rise: half a cosine to the final rate, or stable and then half a cosine (WSD)."
    )
    warmup: Fraction = Field(0.05, description="Share of the steps with a rising rate.")
    stable: Fraction = Field(0.7, description="Share of the steps at the peak rate; of the schedule wsd only.")
    clip: float = Field(1.5, gt=0, description="Largest norm of the gradient.")
    weight_decay: float = Field(0.1, ge=0, description="On weight matrices only.")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's decay of the mean of gradients.")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW's decay of the mean of their squares.")
    epsilon: float = Field(1e-8, gt=0, description="AdamW's epsilon.")
    lm_weight: float = Field(
        0.25, ge=0, description="Lambda: weight of the language-model loss on the chosen response."
    )
    magnitude_weight: float = Field(0.001, ge=0, description="Mu: weight of the magnitude term.")
    magnitude: Literal["centering", "absolute", "none"] = Field(
        "centering", description="(rc+rr)^2, (|rc|+|rr|)^2 or none."
    )
    margin: float = Field(0.0, ge=0, description="By how much the chosen reward must lead for the loss to be log 2.")
    label_smoothing: float = Field(
        0.0, ge=0, lt=0.5, description="Probability that a pair's label is wrong, as the loss takes it."
    )
    max_tokens: int = Field(4096, ge=16, description="Tokens of a packed pair at most; a longer pair is dropped.")
    nodes: int | None = Field(None, ge=1, description="Machines that share the stage; none: as train.nodes says.")

    @model_validator(mode="after")
    def _consistent(self) -> Stage:
        if self.name == MERGED:
            raise ValueError(f"name: {MERGED} is what the folder of a merge is called; take another name")
        if self.schedule == "wsd" and self.warmup + self.stable > 1 + 1e-9:
            raise ValueError(
                f"warmup and stable are {self.warmup + self.stable:g} of the steps together, more than all"
            )
        if self.final_learning_rate > self.learning_rate:
            raise ValueError("final_learning_rate is above learning_rate")
        return self


class Variant(Settings):
    """Another trained model: what it has otherwise than `train` says. A merge is put together from trained ones."""

    base: str | None = Field(None, description="Language model it starts from, by name; none: train.base.")
    stages: list[str] | None = Field(None, min_length=1, description="Names of the stages it runs; none: all.")
    lm_weight: float | None = Field(None, ge=0, description="In every stage; none: the stage's own.")
    magnitude_weight: float | None = Field(None, ge=0, description="In every stage; none: the stage's own.")
    magnitude: Literal["centering", "absolute", "none"] | None = Field(
        None, description="In every stage; none given: the stage's own."
    )
    criteria: list[Criterion] = Field([], description="Code pairs of these criteria only; empty: of all.")
    languages: list[str] = Field([], description="Code pairs in these languages only; empty: in all.")
    max_pairs: int | None = Field(None, ge=1, description="Code pairs at most; a hash picks.")
    system_prompts: bool = Field(True, description="Show pairs with their system prompts; false: all stages without.")
    processes: int | None = Field(None, ge=1, description="Processes of each machine; none: train.processes.")
    nodes: dict[str, _Count] = Field({}, description="Machines by name of the stage; not named: as the stage says.")
    merge: list[str] = Field(
        [],
        description="Trained models, by name, whose exports are merged (TIES, Yadav et al. 2023); nothing is trained then.",
    )
    density: float = Field(0.2, gt=0, le=1, description="Of a merge: share of each tensor's changes that is kept.")
    weight: float = Field(1.0, gt=0, description="Of a merge: factor of the merged change.")

    @field_validator("criteria")
    @classmethod
    def _of_code(cls, criteria: list[Criterion]) -> list[Criterion]:
        if strange := [criterion for criterion in criteria if criterion not in CODE_CRITERIA]:
            raise ValueError(f"{strange[0]} is no criterion of the code set ({', '.join(CODE_CRITERIA)})")
        return criteria

    @field_validator("languages")
    @classmethod
    def _known(cls, languages: list[str]) -> list[str]:
        if strange := [language for language in languages if language not in FILE_LANGUAGES]:
            raise ValueError(f"{strange[0]} is none of {', '.join(FILE_LANGUAGES)}")
        return languages

    @model_validator(mode="after")
    def _trained_or_merged(self) -> Variant:
        fields = type(self).model_fields
        given = {name for name, field in fields.items() if getattr(self, name) != field.default}
        if self.merge and (strange := given - {"merge", "density", "weight"}):
            raise ValueError(
                f"a merge trains nothing, so {min(strange)} has no meaning beside merge; leave out one of them"
            )
        if not self.merge and (strange := given & {"density", "weight"}):
            raise ValueError(f"{min(strange)} is of a merge; name the models to merge in merge")
        return self


class Train(Settings):
    """The trained reward model."""

    name: str = Field("themis-rm", pattern=_MODEL_NAME, description="Name of the trained model.")
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
    variants: dict[Annotated[str, Field(pattern=_MODEL_NAME)], Variant] = Field(
        {},
        description="Further trained models by name. A stage whose start, settings and pairs are those of another model's "
        "is trained once, for the first of them.",
    )
    nodes: int = Field(1, ge=1, description="Machines of a cluster that share a stage; each runs so many processes.")
    processes: int = Field(1, ge=1, description="Processes (GPUs, or cores without any) of each machine.")
    threads: int = Field(1, ge=1, description="CPU threads of each process.")
    replicas: int = Field(
        1, ge=1, description="Copies of the sharded model (HSDP); the processes of all machines are divided among them."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="What the decoder computes in; weights, head and loss are float32. auto: bfloat16 where a GPU or the "
        "processor multiplies it in hardware.",
    )
    share_prefix: bool = Field(
        True, description="Compute what the two responses of a pair have in common once; the numbers are the same."
    )
    activation_checkpointing: Literal["auto", "on", "off"] = Field(
        "auto", description="Recompute activations in the backward pass; auto: on GPUs."
    )
    offload: bool = Field(False, description="Keep weights and optimiser state in host memory between uses (GPUs).")
    compile: bool = Field(False, description="Compile every decoder block with torch.compile.")
    batch_tokens: int = Field(4096, ge=16, description="Tokens per forward pass and process.")
    frozen_layers: int = Field(
        0, ge=0, description="Lowest decoder layers that keep their weights, with the embeddings."
    )
    checkpoint_every: int = Field(50, ge=1, description="Steps between resumable checkpoints.")
    keep_checkpoints: int = Field(2, ge=1, description="Resumable checkpoints kept at a time.")
    held_out: Fraction = Field(0.0, description="Share of the pairs, by hash, that only measures; none: no evaluation.")
    evaluate_every: int = Field(50, ge=1, description="Steps between evaluations on the pairs held out.")
    keep_best: bool = Field(
        False, description="Export the weights of the best evaluation, not the last ones; needs held_out."
    )
    trackers: list[Literal["tensorboard", "wandb"]] = Field(
        [], description="Where metrics go beside the JSON lines and the table: tensorboard, wandb (as WANDB_MODE says)."
    )
