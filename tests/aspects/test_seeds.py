"""Seeds are balanced, split within each kind, and the same whatever else the corpus holds or its order."""

from __future__ import annotations

import numpy as np
import pytest

from themis.aspects.seeds import CALIBRATE, MEASURE, TRAIN, Corpus, Seeds, choose
from themis.aspects.summary import change, changed_words, full_message, summary
from themis.vocabulary import CODE_CRITERIA, Criterion

FAST, SAFE = Criterion.RUNTIME_EFFICIENCY, Criterion.SECURITY_HARDNESS


def corpus(kinds: str, repositories: list[str] | None = None) -> Corpus:
    """One commit a letter: + reached by a term, o by another criterion's, n near, . plain."""
    none = {criterion: np.zeros(len(kinds), bool) for criterion in CODE_CRITERIA}

    def of(letter: str) -> np.ndarray:
        return np.array([kind == letter for kind in kinds], bool)

    return Corpus(
        [f"{i:04d}" for i in range(len(kinds))],
        repositories or ["o/n"] * len(kinds),
        none | {FAST: of("+"), SAFE: of("o")},
        none | {FAST: of("n") | of("+")},
    )


def counts(seeds: Seeds, kinds: str) -> dict[str, int]:
    return {letter: sum(kinds[row] == letter for row in seeds.rows.tolist()) for letter in "+on."}


def test_as_many_negatives_as_positives_a_third_of_each_kind() -> None:
    kinds = "+" * 42 + "o" * 60 + "n" * 30 + "." * 300
    seeds = choose(corpus(kinds), FAST, max_seeds=1000, held_out=0.25, seed=3)
    assert counts(seeds, kinds) == {"+": 42, "o": 14, "n": 14, ".": 14}
    assert seeds.positive.tolist() == [kinds[row] == "+" for row in seeds.rows.tolist()]
    assert seeds.masked[seeds.part != TRAIN].all()
    assert 0.2 < seeds.masked[seeds.part == TRAIN].mean() < 0.8


@pytest.mark.parametrize(
    ("kinds", "max_seeds", "expected"),
    [
        ("+" * 40 + "o" * 5 + "n" * 6 + "." * 90, 1000, {"+": 40, "o": 5, "n": 6, ".": 29}),
        ("+" * 40 + "o" * 50 + "n" * 50 + "." * 3, 1000, {"+": 40, "o": 18, "n": 19, ".": 3}),
        ("+" * 40 + "o" * 3, 1000, {"+": 3, "o": 3, "n": 0, ".": 0}),
        ("+" * 40 + "o" * 30, 10, {"+": 5, "o": 5, "n": 0, ".": 0}),
        ("+" * 40 + "o" * 30, 1, {"+": 0, "o": 0, "n": 0, ".": 0}),
        ("." * 40, 100, {"+": 0, "o": 0, "n": 0, ".": 0}),
    ],
)
def test_one_kind_stands_in_for_another_up_to_the_cap(kinds: str, max_seeds: int, expected: dict[str, int]) -> None:
    found = counts(choose(corpus(kinds), FAST, max_seeds=max_seeds, held_out=0.2, seed=1), kinds)
    assert found["+"] == expected["+"] and sum(found.values()) == 2 * expected["+"]
    for letter in "on.":
        assert abs(found[letter] - expected[letter]) <= 1


def test_held_out_seeds_stand_for_all_of_their_kind() -> None:
    kinds = "+" * 48 + "o" * 60 + "n" * 90 + "." * 302
    seeds = choose(corpus(kinds), FAST, max_seeds=1000, held_out=0.5, seed=3)
    for part in (CALIBRATE, MEASURE):
        for letter in "+on.":
            here = [at for at in np.flatnonzero(seeds.part == part) if kinds[seeds.rows[at]] == letter]
            assert len(here) == (12 if letter == "+" else 4)
            # By the labels, half as many commits improve a criterion unreached as are reached by a term of it.
            assert seeds.weights[here].sum() == pytest.approx(kinds.count(letter) * (0.5 if letter == "+" else 1))


def test_plain_negatives_come_from_the_repositories_of_the_positives() -> None:
    kinds = "+" * 30 + "." * 170
    repositories = [("a", "b", "c", "d")[i % 4] if kind == "." else "a" for i, kind in enumerate(kinds)]
    seeds = choose(corpus(kinds, repositories), FAST, max_seeds=1000, held_out=0.2, seed=3)
    negative = [repositories[row] for row in seeds.rows[~seeds.positive].tolist()]
    assert negative == ["a"] * 30
    more = corpus("+" * 60 + kinds[30:], ["a"] * 60 + repositories[30:])
    seeds = choose(more, FAST, max_seeds=1000, held_out=0.2, seed=3)
    negative = [more.repositories[row] for row in seeds.rows[~seeds.positive].tolist()]
    assert len(negative) == 60 and negative.count("a") == repositories[30:].count("a") < 60


def test_the_order_of_the_rows_does_not_matter() -> None:
    given = corpus("+o.n." * 20)

    def chosen(order: list[int]) -> list[tuple[object, ...]]:
        moved = Corpus(
            [given.ids[i] for i in order],
            ["o/n"] * len(order),
            {name: hits[order] for name, hits in given.hits.items()},
            {name: near[order] for name, near in given.near.items()},
        )
        seeds = choose(moved, FAST, max_seeds=30, held_out=0.3, seed=8)
        columns = (seeds.rows, seeds.positive, seeds.part, seeds.masked, seeds.weights)
        return [(moved.ids[row], *rest) for row, *rest in zip(*(column.tolist() for column in columns), strict=True)]

    assert chosen(list(range(100))) == chosen(list(range(99, -1, -1)))


def test_the_summary_says_what_the_change_adds_and_removes() -> None:
    old = "head\nfor item in items:\n    sendOne(item)\ntail\n"
    new = "head\nsend_batch(items)\ntail\n"
    added, removed = changed_words(old, new)
    assert added == ["batch"]  # send, items and the brackets are on both sides
    assert removed == ["for", "item", "in", ":", "one", "item"]
    text = summary(full_message("Fewer calls", "Fewer calls\n\nbody"), change("a/b.py", old, new))
    assert text.splitlines() == [
        "Fewer calls body", "in a/b.py", "added batch", "removed for item in : one item"
    ]  # fmt: skip
    assert full_message("Subject", "only body") == "Subject\nonly body"


def test_a_huge_rewrite_is_summarised_briefly() -> None:
    old = "\n".join(f"old{i} x" for i in range(20_000))
    new = "\n".join(f"new{i} y" for i in range(20_000))
    assert len(summary("m" * 9999, change("p", old, new))) < 2000
    assert changed_words(old, old) == ([], [])
