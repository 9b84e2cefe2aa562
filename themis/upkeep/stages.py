"""Which stage makes which files below results/: the one list that status, clean and cost go by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Stage:
    """A stage of the chain: its files as patterns, and the tables whose rows are its result."""

    name: str
    files: tuple[str, ...]
    rows: tuple[str, ...] = ()


def _stage(name: str, files: str, rows: str = "", logs: str = "", ledgers: str = "") -> Stage:
    patterns = [*files.split(), *rows.split()]
    patterns += [f"logs/{log}.*" for log in logs.split()]
    patterns += [f"attrition/{ledger}.parquet" for ledger in ledgers.split()]
    return Stage(name, tuple(patterns), tuple(rows.split()))


# In the order of the chain. A pattern names files, or a folder with all below it; `*` stands for no slash. Where several
# fit, the one that says most decides.
STAGES = (
    _stage(
        "mine", "demo warehouse clones commits", "commits/selected.parquet",
        "demo_corpus tables mine ghtorrent_merges select", "mine merges select",
    ),
    _stage(
        "contents", "contents/shards contents/attempts", "contents/retrieved.parquet", "retrieve gather_contents",
        "shards/retrieve.*",
    ),
    _stage("dedup", "", "contents/deduplicated.parquet", "deduplicate", "deduplicate"),
    _stage(
        "aspects", "aspects", "aspects/labelled.parquet", "measure_terms train_aspects label_aspects gather_aspects",
        "aspects",
    ),
    _stage(
        "llm",
        "language_models reviews instructions judgements recovered metrics/review.parquet metrics/instruct.parquet "
        "metrics/judge.parquet metrics/recover cache/review.* cache/instruct.* cache/judge.* cache/recover.*",
        "contents/accepted.parquet",
        "prepare_model review gather_reviews consensus instruct gather_instructions instruct_metrics judge "
        "gather_judgements decide recover gather_recovered",
        "review",
    ),
    _stage(
        "bugs", "bugs/shards cache/bugs.* cache/bugged*", "bugs/*.parquet", "mutate introduce_bugs gather_bugs",
    ),
    _stage("collections", "metrics/collect.*.parquet", "collections/*.parquet", "collect", "collect.*"),
    _stage(
        "benchmarks",
        "fetched metrics/benchmark.parquet metrics/benchmarks.parquet metrics/lengths.benchmark.parquet "
        "tables/benchmarks.csv",
        "benchmark/*.parquet", "build_benchmark fetch_benchmark benchmark measure_benchmarks", "benchmark benchmark.*",
    ),
    _stage(
        "preferences", "metrics/lengths.*.parquet", "preferences/*.parquet", "assemble_code assemble_general",
        "assemble_*",
    ),
    _stage("export", "datasets", "", "export_preferences export_benchmark"),
    _stage("train", "models metrics/*.*.parquet", "", "train merge", "train.*"),
    _stage(
        "score", "scores reward_models published_runs cache/score.*", "crb.parquet",
        "fetch_reward_model score gather_score_shards fetch_runs import_runs crb", "import shards/score.*",
    ),
    _stage(
        "rerank", "rerank cache/rerank*", "rerank.parquet", "rerank_set rerank_model rerank", "rerank_set rerank.*",
    ),
    _stage(
        "robustness",
        "benchmark/robustness.parquet benchmark/robustness_plain.parquet scores/robustness scores/criteria_order "
        "cache/score_order.* cache/score.robustness.*",
        "robustness.parquet", "perturb plain_pairs score_order robustness",
        "perturb shards/plain_pairs shards/score_order.*",
    ),
    _stage(
        "paper", "measures notebooks figures tables report.html attrition.parquet", "",
        "attrition measure notebook_* report",
    ),
    _stage("cost", "tables/cost.csv tables/cost.md", "", "cost"),
)  # fmt: skip


def stage_of(path: str | PurePosixPath) -> str | None:
    """The stage that makes a file, named by its path below results/; None for a file of no stage."""
    return max(fitting(path), default=(0, None))[1]


def fitting(path: str | PurePosixPath) -> list[tuple[int, str]]:
    """Every pattern that a path fits: how much it says, in characters, and its stage."""
    path = PurePosixPath(path)
    return [
        (said, name)
        for name, said, parts in _patterns()
        if len(parts) <= len(path.parts) and all(map(fnmatchcase, path.parts, parts))
    ]


def files_of(results: Path) -> Iterator[tuple[Path, str | None]]:
    """Every file below results/ (a link is a file; none is followed), and the stage that makes it."""
    for folder, folders, names in os.walk(results):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder, name)
            yield path, stage_of(path.relative_to(results).as_posix())


def disk_of(path: Path) -> int:
    """Bytes of disk that a file or a link takes; 0 where it is gone since."""
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


@cache
def _patterns() -> list[tuple[str, int, tuple[str, ...]]]:
    return [
        (stage.name, len(pattern.replace("*", "")), PurePosixPath(pattern).parts)
        for stage in STAGES
        for pattern in stage.files
    ]
