"""Commits of public repositories that were read by eye, with the criteria that each of them improves."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from themis import chance
from themis.vocabulary import Criterion

HALVES = ("tuning", "report")


@dataclass(frozen=True)
class LabelledCommit:
    """One commit of the sample. It stands for `weight` commits of those that it was drawn from."""

    repository: str
    commit: str
    path: str
    language: str
    subject: str  # at most 200 characters
    improves: frozenset[Criterion]
    weight: float
    note: str

    @property
    def half(self) -> str:
        """The lists were tuned on one half, by hash of the commit; figures are reported on the other."""
        return HALVES[chance.uniform(0, "aspects/labels", self.commit) >= 0.5]


@cache
def sample() -> tuple[LabelledCommit, ...]:
    """The 384 commits in order of repository and commit.

    Drawn from 25,979 single-file commits of 31 repositories, at known rates: 316 from each list's hits, hits of the
    published lists alone, and what none reached, shown without their origin; 68 more, for the report half, from hits of
    the tuned runtime, memory and security lists. One reader labelled them by message, path and change, and wrote the
    lists too. A commit improves readability also by comments, documentation in the code, types and formatting, and
    correctness also in a test that was wrong or on a platform where it failed; added tests, new features and wording for
    users improve none.
    """
    text = resources.files("themis.aspects").joinpath("labels", "commits.csv").read_text(encoding="utf-8")
    return tuple(
        LabelledCommit(
            repository=row["repository"],
            commit=row["commit"],
            path=row["path"],
            language=row["language"],
            subject=row["subject"],
            improves=frozenset(Criterion(name) for name in row["labels"].split()),
            weight=float(row["weight"]),
            note=row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    )
