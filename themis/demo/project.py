"""One repository's language, words, people and files-to-be: it hands out words and module names, none twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TypeVar

from themis import chance
from themis.demo.domains import Domain, slots
from themis.demo.people import Person, team
from themis.demo.templates import Code, Slots, fill

Item = TypeVar("Item")

# Neutral ends of module names; none says what is good or bad about the code.
_ENDINGS = (
    "registry", "report", "planner", "summary", "service", "tracker", "board", "desk", "sheet", "panel", "view",
    "router", "roster", "binder", "catalog", "diary", "journal", "inbox", "schedule", "overview", "dossier", "bulletin",
    "almanac", "docket",
)  # fmt: skip


class Project:
    """A repository in the making. The same seed and name always yield the same words in the same order."""

    def __init__(self, seed: int, name: str, code: Code, domain: Domain) -> None:
        self.seed = seed
        self.name = name
        self.code = code
        self.domain = domain
        self.people = team(seed, name)
        self._files = 0
        self._draws = 0
        self._pull_requests = 3 + chance.digest(seed, "first pull request", name) % 40
        self._modules = self._module_names()
        self._paths: set[str] = set()

    def words(self, v: int = 0) -> Slots:
        """The words of the next file, with a module name and a path that no other file of the project has."""
        found = slots(self.seed, self.domain, self._files)
        self._files += 1
        return self.renamed({**found, "v": v})

    def renamed(self, words: Slots) -> Slots:
        """The same words under the next module name."""
        while True:
            module = next(self._modules)
            named = {**words, "module": module, "Module": "".join(part.capitalize() for part in module.split("_"))}
            path = self.code.path(named)
            if path not in self._paths:
                self._paths.add(path)
                return named

    def choose(self, purpose: str, items: Sequence[Item]) -> Item:
        """One of the items; every call is a fresh draw."""
        self._draws += 1
        return chance.pick(self.seed, purpose, f"{self.name} {self._draws}", items)

    def happens(self, purpose: str, share: float) -> bool:
        """True in this share of the calls."""
        self._draws += 1
        return chance.uniform(self.seed, purpose, f"{self.name} {self._draws}") < share

    def author(self) -> Person:
        """One of the project's people."""
        return self.choose("author", self.people)

    def pull_request(self) -> int:
        """The number of the next pull request; numbers in between went to issues."""
        self._pull_requests += self.choose("pull request", (1, 1, 2, 3, 5))
        return self._pull_requests

    def say(self, template: str, words: Slots | None = None) -> str:
        """A message template filled in with these words, or with those of some file."""
        return fill(template, words or {**slots(self.seed, self.domain, self._draws), "v": 0})

    def _module_names(self) -> Iterator[str]:
        others = [other for other, _ in self.domain.others]
        plain = [f"{other}_{ending}" for other, ending in product(others, _ENDINGS)]
        longer = [
            f"{other}_{verb}_{ending}" for other, verb, ending in product(others, self.domain.verbs, _ENDINGS)
        ]  # only large corpora get this far
        for names in (plain, longer):
            yield from (names[i] for i in chance.order(self.seed, f"modules of {self.name}", names))
        number = 1
        while True:
            number += 1
            yield from (f"{name}_{number}" for name in longer)
