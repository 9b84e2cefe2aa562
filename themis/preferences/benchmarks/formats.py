"""The formats a benchmark's files come in: where they lie on the hub, what is read of them, and how a row is a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from themis.preferences.benchmarks import code, general, own
from themis.preferences.benchmarks.candidate import Candidate
from themis.preferences.collections.reading import Row


@dataclass(frozen=True)
class Format:
    """One format. `read` makes pairs of a row and the name of its file; `rule` is one of `analysis.benchmark_rules`."""

    read: Callable[[Row, str], Iterator[Candidate]]
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    rule: str | None = None  # null: plain accuracy
    hub: str | None = None
    splits: tuple[str, ...] = ("train",)
    files: tuple[str, ...] = ()  # patterns of the data set's own files on the hub, where they tell more than its splits


_PAIR = ("prompt", "chosen", "rejected")

FORMATS: dict[str, Format] = {
    "humanevalpack": Format(
        code.humanevalpack,
        ("declaration", "instruction", "canonical_solution", "buggy_solution"),
        ("task_id",),
        hub="bigcode/humanevalpack",
        splits=("test",),
        files=("data/*/data/humanevalpack.jsonl",),
    ),
    "debugbench": Format(
        code.debugbench, ("description", "examples", "constraints", "oracle_code", "buggy_code"), ("language",)
    ),
    "nofuneval": Format(
        code.nofuneval, ("source_code", "target_code", "pl"), ("cwe", "query", "non_functional_requirement")
    ),
    "rewardbench": Format(
        general.rewardbench,
        ("id", *_PAIR, "subset"),
        rule="rewardbench",
        hub="allenai/reward-bench",
        splits=("filtered",),
    ),
    "rewardbench2": Format(
        general.rewardbench2,
        ("id", *_PAIR, "subset"),
        rule="rewardbench2",
        hub="allenai/reward-bench-2",
        splits=("test",),
    ),
    "judgebench": Format(
        general.judgebench,
        ("pair_id", "source", "question", "response_A", "response_B", "label"),
        ("response_model",),
        rule="judgebench",
        hub="ScalerLab/JudgeBench",
        splits=("claude", "gpt"),
    ),
    "rmbench": Format(
        general.rmbench, ("id", *_PAIR), ("domain", "language"), rule="rmbench", hub="THU-KEG/RM-Bench"
    ),
    "pairs": Format(own.pairs, _PAIR, ("id", "aspect", "language", "subset")),
}  # fmt: skip
