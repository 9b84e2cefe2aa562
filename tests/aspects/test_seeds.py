"""Seeds are balanced, split within each class, and the same whatever else the corpus holds or its order."""

from __future__ import annotations

import numpy as np
import pytest

from themis.aspects.seeds import choose
from themis.aspects.summary import changed_words, full_message, summary
from themis.aspects.terms import mask, matches
from themis.vocabulary import CODE_CRITERIA, Criterion

FAST, SAFE = Criterion.RUNTIME_EFFICIENCY, Criterion.SECURITY_HARDNESS


def hits(own: list[bool], other: list[bool]) -> dict[Criterion, np.ndarray]:
    found = {criterion: np.zeros(len(own), bool) for criterion in CODE_CRITERIA}
    return found | {FAST: np.array(own), SAFE: np.array(other)}


def test_as_many_negatives_as_positives_half_of_them_hard_and_a_share_of_each_held_out() -> None:
    own = [i < 40 for i in range(400)]
    other = [40 <= i < 100 for i in range(400)]
    seeds = choose(hits(own, other), [f"{i:03d}" for i in range(400)], FAST, max_seeds=1000, held_out=0.25, seed=3)
    rows = seeds.rows
    assert sorted(rows[seeds.positive].tolist()) == list(range(40))
    negative = rows[~seeds.positive]
    assert len(negative) == 40 and np.count_nonzero((negative >= 40) & (negative < 100)) == 20
    assert seeds.held_out[seeds.positive].sum() == seeds.held_out[~seeds.positive].sum() == 10
    assert seeds.masked[seeds.held_out].all()
    assert 0.2 < seeds.masked[~seeds.held_out].mean() < 0.8


@pytest.mark.parametrize(("max_seeds", "others", "expected"), [(10, 30, 10), (1000, 3, 6), (1, 30, 0)])
def test_the_smaller_class_and_the_cap_bound_the_seeds(max_seeds: int, others: int, expected: int) -> None:
    own = [True] * 20 + [False] * others
    seeds = choose(
        hits(own, [False] * len(own)), [str(i) for i in range(len(own))], FAST,
        max_seeds=max_seeds, held_out=0.2, seed=1,
    )  # fmt: skip
    assert len(seeds.rows) == expected and seeds.positive.sum() * 2 == expected


def test_the_order_of_the_rows_does_not_matter() -> None:
    ids = [f"{i:03d}" for i in range(90)]
    own, other = [i % 3 == 0 for i in range(90)], [i % 3 == 1 for i in range(90)]

    def chosen(order: list[int]) -> list[tuple[str, bool, bool, bool]]:
        found = hits([own[i] for i in order], [other[i] for i in order])
        seeds = choose(found, [ids[i] for i in order], FAST, max_seeds=40, held_out=0.3, seed=8)
        columns = (seeds.rows.tolist(), seeds.positive.tolist(), seeds.held_out.tolist(), seeds.masked.tolist())
        return [(ids[order[row]], *rest) for row, *rest in zip(*columns, strict=True)]

    assert chosen(list(range(90))) == chosen(list(range(89, -1, -1)))


def test_masking_leaves_no_term_even_where_the_rest_closes_up_to_one() -> None:
    criterion = Criterion.MEMORY_EFFICIENCY
    message = "memory memory leak leak in the reader"
    assert criterion not in matches(mask(message, criterion))
    assert mask(message, criterion).split()[-3:] == ["in", "the", "reader"]


def test_the_summary_says_what_the_change_adds_and_removes() -> None:
    old = "head\nfor item in items:\n    sendOne(item)\ntail\n" * 1
    new = "head\nsend_batch(items)\ntail\n"
    added, removed = changed_words(old, new)
    assert added == ["batch"]  # send, items and the brackets are on both sides
    assert removed == ["for", "item", "in", ":", "one", "item"]
    text = summary(full_message("Fewer calls", "Fewer calls\n\nbody"), "a/b.py", old, new)
    assert text.splitlines()[0] == "Fewer calls body"
    assert text.splitlines()[1] == "in a/b.py"
    assert full_message("Subject", "only body") == "Subject\nonly body"


def test_a_huge_rewrite_is_summarised_briefly() -> None:
    old = "\n".join(f"old{i} x" for i in range(20_000))
    new = "\n".join(f"new{i} y" for i in range(20_000))
    assert len(summary("m", "p", old, new)) < 2000
    assert changed_words(old, old) == ([], [])
