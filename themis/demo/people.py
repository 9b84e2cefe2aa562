"""Who commits: invented people, and the bots whose commits the mining query refuses."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from themis import chance


@dataclass(frozen=True)
class Person:
    """A committer; `zone` is the offset from UTC that git writes."""

    name: str
    email: str
    zone: str = "+0000"


_NAMES = (
    ("Aino Saarela", "+0200"), ("Bram Teunissen", "+0100"), ("Chidi Okwuosa", "+0100"), ("Dalia Ferrante", "+0100"),
    ("Emre Yalkin", "+0300"), ("Farah Benouna", "+0000"), ("Gustav Ekblad", "+0100"), ("Hana Morishige", "+0900"),
    ("Ilse Vanderputte", "+0100"), ("Jorge Almenara", "-0300"), ("Katya Brodskaya", "+0300"), ("Liam Corrigan", "+0000"),
    ("Mei Zhuangli", "+0800"), ("Nadia Koroleva", "+0300"), ("Oskar Lindehall", "+0100"), ("Priya Ramdasani", "+0530"),
    ("Quentin Delarbre", "+0100"), ("Rosa Quintanilla", "-0600"), ("Samir Haddoub", "+0200"), ("Tomás Belverde", "-0500"),
    ("Una Fitzmorris", "+0000"), ("Viktor Szabados", "+0100"), ("Wen Taoran", "+0800"), ("Zoë Hartgrave", "-0800"),
)  # fmt: skip

HOST = Person("GitHub", "noreply@github.example")
BOTS = (
    Person("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.example"),
    Person("greenkeeper[bot]", "greenkeeper[bot]@users.noreply.github.example"),
    Person("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.example"),
    Person("snyk-bot", "snyk-bot@snyk.example"),
)


def team(seed: int, repository: str, size: int = 4) -> list[Person]:
    """The people of one repository."""
    order = chance.order(seed, f"team of {repository}", [name for name, _ in _NAMES])
    return [_person(*_NAMES[position]) for position in order[:size]]


def _person(name: str, zone: str) -> Person:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return Person(name, f"{ascii_name.replace(' ', '.')}@mail.example", zone)
