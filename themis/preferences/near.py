"""Near-duplicates of training pairs: of one another, and of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from themis.similarity.minhash import duplicate_pairs
from themis.similarity.signatures import Method


def repeated(texts: Sequence[str], threshold: float) -> np.ndarray:
    """Which texts are near-duplicates of an earlier one that is not itself such a repetition, bool [N].

    What is left has no two texts of Jaccard similarity `threshold` (5-word shingles) that MinHash proposes, and
    everything marked has one among what is left; chains of similar texts are not followed.
    """
    first = {text: at for at, text in reversed(list(enumerate(texts)))}
    distinct = sorted(first.values())
    marked = np.ones(len(texts), bool)
    marked[distinct] = False
    for one, other, _ in duplicate_pairs([texts[at] for at in distinct], Method(threshold=threshold)):
        if not marked[distinct[one]]:  # pairs are sorted: all that could mark `one` have been seen
            marked[distinct[other]] = True
    return marked


def near(texts: Sequence[str], reference: Sequence[str], threshold: float) -> np.ndarray:
    """Which texts are near-duplicates of a reference text, bool [N]."""
    marked = np.zeros(len(texts), bool)
    together = [*texts, *sorted(set(reference))]
    for one, other, _ in duplicate_pairs(together, Method(threshold=threshold)):
        if one < len(texts) <= other:
            marked[one] = True
    return marked
