"""Settings of the code benchmark."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from themis.study.base import Settings


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
    balance: Literal["none", "downsample"] = Field(
        "none", description="downsample: pairs go until chosen is the longer response as often as it is the shorter."
    )
    balance_within: list[Literal["source", "aspect", "language"]] = Field(
        ["source", "aspect", "language"],
        min_length=1,
        description="What makes the cells that are balanced; a benchmark's source is the subset.",
    )
