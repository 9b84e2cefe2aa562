"""What no training pair may come near: the texts of every benchmark, the pairs and the repositories of the study's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from themis import records
from themis.preferences.decontaminate import Runs, benchmark_texts
from themis.preferences.near import Neighbours, documents
from themis.similarity.signatures import Method


@dataclass(frozen=True)
class References:
    """What training pairs are compared with."""

    runs: Runs  # of words, in any text of any benchmark
    pairs: Neighbours  # prompt and chosen response of the study's own benchmarks
    repositories: list[str]  # that the benchmark's commits are from

    @classmethod
    def read(
        cls, benchmarks: Sequence[Path], others: Sequence[Path], commits: Path | None, words: int, similarity: float
    ) -> References:
        """From benchmark tables; files or folders of other benchmarks, which give their texts; and labelled commits, which
        name the repositories of the benchmark split. Raises Problem where one cannot be read."""
        own = [records.read(path, "benchmark", _PAIR) for path in benchmarks]
        prompts, chosen = (
            pa.chunked_array([c for t in own for c in t[name].chunks], pa.string()) for name in _PAIR[:2]
        )
        # Five words: what shares no run of thirteen and is a near-duplicate all the same is short.
        near = Neighbours(documents(prompts, chosen), Method(shingle=5, threshold=similarity))
        return cls(Runs.of(_texts(own, others), words), near, [] if commits is None else _repositories(commits))


_PAIR = ("prompt", "chosen", "rejected")


def _texts(own: Sequence[pa.Table], others: Sequence[Path]) -> Iterator[pa.ChunkedArray | list[str]]:
    for table in own:
        yield from table.columns
    for path in others:
        yield from benchmark_texts(path)


def _repositories(commits: Path) -> list[str]:
    tables = records.stream(commits, "labelled", ["split", "repositories"])
    parts = [
        pl.DataFrame(pl.from_arrow(table)).filter(pl.col("split") == "benchmark")["repositories"].explode()
        for table in tables
    ]
    return [] if not parts else pl.concat(parts).drop_nulls().unique().sort().to_list()
