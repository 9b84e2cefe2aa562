"""Settings of the first stages: demo corpus, mining, selection, contents, deduplication."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, model_validator

from themis.study.base import Fraction, Settings
from themis.vocabulary import FILE_LANGUAGES, LANGUAGES, LICENSES, MINED_LANGUAGES, PUBLIC_DATASET


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
    """The mining query (paper appendix B.1) and where it runs."""

    warehouse: Literal["duckdb", "bigquery"] = Field(
        "duckdb", description="duckdb: the tables read from `repositories`; bigquery: the public data set."
    )
    licenses: list[Literal["permissive", "weak_copyleft", "network_copyleft"]] = Field(
        list(LICENSES), min_length=1, description="Licence classes."
    )
    languages: list[str] = Field(
        list(MINED_LANGUAGES),
        min_length=1,
        description="Languages of which a repository must have one, as the warehouse spells them.",
    )
    min_message: int = Field(10, ge=0, description="A commit message is longer than this.")
    max_message: int = Field(15000, ge=1, description="A commit message is shorter than this.")
    project: str | None = Field(
        None, pattern=r"^[A-Za-z0-9.:-]+$", description="BigQuery: project that pays; none: that of the credentials."
    )
    dataset: str = Field(
        PUBLIC_DATASET,
        pattern=r"^[A-Za-z0-9.:-]+\.\w+$",
        description="BigQuery: project.dataset of the tables commits, licenses and languages.",
    )
    results_dataset: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.:-]+\.\w+$",
        description="BigQuery: project.dataset that keeps the results. None: BigQuery keeps them for a day, and refuses "
        "a result of more than 10 GB compressed.",
    )
    location: str = Field("US", description="BigQuery: where the data set lies.")
    max_gib: int = Field(2000, ge=1, description="BigQuery: a query that would process more GiB is not run.")
    usd_per_tib: float = Field(
        6.25, ge=0, description="BigQuery: price of a TiB processed (Google's on-demand price in the US)."
    )
    part_rows: int = Field(100_000, ge=1, description="BigQuery: rows of a part of the result that is fetched at once.")


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
        default_factory=list,
        description="JSON files of owner/name lists, or folders of such files; none: every repository.",
    )
    languages: list[str] = Field(list(LANGUAGES), min_length=1, description="Languages kept, by file extension.")
    train: Window = Field(Window(until=datetime.date(2019, 3, 1)), description="Training window.")
    benchmark: Window = Field(
        Window(since=datetime.date(2019, 6, 1), until=datetime.date(2021, 2, 1)), description="Benchmark window."
    )
    benchmark_share: Fraction = Field(
        0.25, description="Share of the repositories with commits in both windows that go to the benchmark."
    )
    require_merged: bool = Field(True, description="Only commits that reached the main line and were not reverted.")
    require_request: bool = Field(
        False, description="Only commits that a merge, a squash merge or a pull request brought in."
    )
    ghtorrent: str | None = Field(
        None,
        description="Folder of a GHTorrent dump (CSV or Parquet) that says which commits were merged; none: the clones.",
    )

    @model_validator(mode="after")
    def _known(self) -> Select:
        for language in self.languages:
            if language not in FILE_LANGUAGES:
                raise ValueError(f"languages: {language} is none of {', '.join(FILE_LANGUAGES)}")
        return self


class Network(Settings):
    """How hosts are asked for contents. Requests are repeated after pauses, doubled each time up to two minutes."""

    tries: int = Field(8, ge=1, description="Requests until one is given up.")
    wait_s: float = Field(2.0, gt=0, description="Pause after the first failure, about, in seconds.")
    stall_s: int = Field(60, ge=1, description="Seconds at less than 1,000 bytes a second that end a request.")
    request_s: float = Field(1800.0, gt=0, description="Seconds that a request may take.")
    per_host: int = Field(4, ge=1, description="Requests to a host at a time, of one shard.")
    chunk: int = Field(2000, ge=2, description="Files asked for in a request.")
    scratch_mb: int = Field(2000, ge=1, description="MB of disk that a request may fill.")
    whole_clones: bool = Field(True, description="Clone a repository whose host gives out no single files.")
    given_up: int = Field(10, ge=1, description="Requests given up in a row, after which a host is asked no more.")


class Contents(Settings):
    """Retrieval of file contents."""

    shards: int = Field(2, ge=1, description="Parts the work is split into; about 3 kB of memory a row of a part.")
    max_bytes: int = Field(1_000_000, ge=1, description="A larger file is dropped.")
    remote: str | None = Field(
        None,
        pattern=r"\{repository\}",
        description="URL of a repository that is not at hand, such as https://github.com/{repository}.git; "
        "none: only folders and the URLs in `repositories` are asked.",
    )
    network: Network = Field(Network(), description="How hosts are asked.")

    @model_validator(mode="after")
    def _fits(self) -> Contents:
        if self.network.scratch_mb * 1_000_000 < 2 * self.max_bytes:
            raise ValueError(f"network.scratch_mb: {self.network.scratch_mb} MB do not hold two files of max_bytes")
        return self


class Dedup(Settings):
    """Near-duplicate removal over the commits (MinHash LSH)."""

    engine: Literal["rensa", "datasketch"] = Field("rensa", description="MinHash engine.")
    columns: list[Literal["old", "new", "diff"]] = Field(
        ["old", "new"], min_length=1, description="What of a commit is compared, joined to one document."
    )
    scope: Literal["language", "all"] = Field(
        "language", description="Documents are compared within a language or all."
    )
    shingle: int = Field(5, ge=1, description="Words per shingle.")
    permutations: int = Field(256, ge=16, description="Length of a signature.")
    threshold: Fraction = Field(0.7, description="Jaccard similarity from which two documents are duplicates.")
    verify: bool = Field(
        True, description="Compare candidates exactly; else documents that share a band are duplicates."
    )
    short: Literal["keep", "drop"] = Field(
        "keep", description="Documents of fewer words than a shingle, which are duplicates only of equal ones."
    )
    compatibility: Literal["none", "published"] = Field(
        "none",
        description="published: tokens, hashes, permutations and clusters of the published system to the bit; engine, "
        "verify and short have no effect, and splits, blobs and unchanged texts are not looked at.",
    )
