"""The vocabularies of the corpus: each repository speaks of its own things, and no word occurs in two of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import yaml

from themis import chance


@dataclass(frozen=True)
class Domain:
    """The words of one repository; `nouns` and `others` are pairs of singular and plural."""

    namespace: str
    owner: str
    name: str
    nouns: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    verbs: tuple[str, ...]


def domains() -> list[Domain]:
    """All vocabularies, in the order of the data file."""
    text = resources.files("themis.demo").joinpath("domains.yaml").read_text(encoding="utf-8")
    return [
        Domain(
            namespace=row["namespace"],
            owner=row["owner"],
            name=row["name"],
            nouns=tuple(row["nouns"].items()),
            others=tuple(row["others"].items()),
            fields=tuple(row["fields"]),
            verbs=tuple(row["verbs"]),
        )
        for row in yaml.safe_load(text)
    ]


def slots(seed: int, domain: Domain, position: int) -> dict[str, object]:
    """The words of one file: the position-th combination in the domain's own shuffled order, and two constants.

    Keys: noun nouns other others field verb, each also capitalised, namespace, n (2 to 9) and m (10 to 99).
    """
    combinations = [
        (noun, other, field, verb)
        for noun in domain.nouns
        for other in domain.others
        for field in domain.fields
        for verb in domain.verbs
    ]
    order = chance.order(seed, f"words of {domain.namespace}", [" ".join((*c[0], *c[1], *c[2:])) for c in combinations])
    (noun, nouns), (other, others), field, verb = combinations[order[position % len(order)]]
    words = {"noun": noun, "nouns": nouns, "other": other, "others": others, "field": field, "verb": verb}
    row = f"{domain.namespace} {position}"
    return {
        **words,
        **{key.capitalize(): word.capitalize() for key, word in words.items()},
        "namespace": domain.namespace,
        "n": 2 + chance.digest(seed, "constant n", row) % 8,
        "m": 10 + chance.digest(seed, "constant m", row) % 90,
    }
