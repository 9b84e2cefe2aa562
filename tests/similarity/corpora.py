"""Texts with near-copies among them, and what a near-duplicate is by definition."""

from __future__ import annotations

import itertools
import random


def plain_shingles(text: str, n: int) -> set:
    """The definition, letter by letter: runs of n words, or the text itself where it has fewer."""
    found, word = [], ""
    for letter in text + " ":
        if letter.isascii() and (letter.isalnum() or letter == "_"):
            word += letter
        elif word:
            found.append(word)
            word = ""
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)} or {text}


def plain_jaccard(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


def families(seed: int, count: int, members: int = 4, most: int = 4) -> list[str]:
    """Families of texts of 40 to 120 words, each member with up to `most` words replaced; one in ten is short."""
    draw = random.Random(seed)
    texts = []
    for family in range(count):
        size = draw.randint(2, 4) if family % 10 == 0 else draw.randint(40, 120)
        words = [f"w{draw.randrange(600)}" for _ in range(size)]
        for _ in range(members):
            copy = list(words)
            for place in draw.choices(range(size), k=draw.randint(0, most) if size > 4 else 0):
                copy[place] = f"x{draw.randrange(10**6)}"
            texts.append(draw.choice([" ", "\n", ", "]).join(copy))
    draw.shuffle(texts)
    return texts


def similarities(texts: list[str], n: int) -> dict[tuple[int, int], float]:
    """The similarity of every pair (i, j), i < j, by comparing all with all."""
    sets = [plain_shingles(text, n) for text in texts]
    return {(i, j): plain_jaccard(sets[i], sets[j]) for i, j in itertools.combinations(range(len(texts)), 2)}


def components(n: int, pairs) -> list[int]:
    """The smallest index of each one's component, by walking from each in turn."""
    beside: dict[int, set[int]] = {i: set() for i in range(n)}
    for i, j in pairs:
        beside[i].add(j)
        beside[j].add(i)
    label = [-1] * n
    for start in range(n):
        waiting = [start] if label[start] < 0 else []
        while waiting:
            at = waiting.pop()
            if label[at] < 0:
                label[at] = start
                waiting += beside[at]
    return label
