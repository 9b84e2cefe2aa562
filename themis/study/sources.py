"""Settings of the first stages: demo corpus, mining, selection, contents, deduplication."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, model_validator

from themis.study.base import Fraction, Settings
from themis.vocabulary import LANGUAGES, LICENSES


class Demo(Settings):
    """The generated corpus of git repositories."""

    repositories_per_language: int = Field(
        4, ge=3, description="Repositories per language; the last is of the benchmark window."
    )
    families: int = Field(4, ge=1, description="Code families per criterion and language.")
    training_pairs: int = Field(4, ge=1, description="Improvements per criterion and language, training window.")
    benchmark_pairs: int = Field(2, ge=1, description="Improvements per criterion and language, benchmark window.")
    commits: int = Field(1500, ge=100, description="Commits of the corpus at least; noise fills up.")


class Mine(Settings):
    """The mining query (paper appendix B.1)."""

    licenses: list[Literal["permissive", "weak_copyleft", "network_copyleft"]] = Field(
        list(LICENSES), description="Licence classes."
    )
    min_message: int = Field(10, ge=0, description="A commit message is longer than this.")
    max_message: int = Field(15000, ge=1, description="A commit message is shorter than this.")


class Window(Settings):
    """A time window, by commit date; either end may be open."""

    since: datetime.date | None = Field(None, description="First day.")
    until: datetime.date | None = Field(None, description="First day after.")

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"since {self.since} is not before until {self.until}")
        return self


class Select(Settings):
    """Selection of mined commits."""

    allow_list: list[str] = Field(
        default_factory=list, description="JSON files of owner/name lists; none: every repository."
    )
    languages: list[str] = Field(list(LANGUAGES), description="Languages kept.")
    train: Window = Field(Window(until=datetime.date(2019, 3, 1)), description="Training window.")
    benchmark: Window = Field(
        Window(since=datetime.date(2019, 6, 1), until=datetime.date(2021, 2, 1)), description="Benchmark window."
    )
    benchmark_share: Fraction = Field(
        0.25, description="Share of the repositories with commits in both windows that go to the benchmark."
    )
    require_merged: bool = Field(True, description="Only commits that reached the main line and were not reverted.")

    @model_validator(mode="after")
    def _known(self) -> Select:
        for language in self.languages:
            if language not in LANGUAGES:
                raise ValueError(f"languages: {language} is none of {', '.join(LANGUAGES)}")
        return self


class Contents(Settings):
    """Retrieval of file contents."""

    shards: int = Field(2, ge=1, description="Parts the work is split into.")
    max_bytes: int = Field(1_000_000, ge=1, description="A larger file is dropped.")


class Dedup(Settings):
    """Near-duplicate removal over the commits (MinHash LSH, verified)."""

    engine: Literal["rensa", "datasketch"] = Field("rensa", description="MinHash engine.")
    shingle: int = Field(5, ge=1, description="Words per shingle.")
    permutations: int = Field(256, ge=16, description="Length of a signature.")
    threshold: Fraction = Field(0.7, description="Jaccard similarity from which two documents are duplicates.")
