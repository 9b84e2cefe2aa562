"""Connected components of a duplicate relation, without recursion."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Forest:
    """Union-find over 0..n-1 in which the smallest member of a component is its root."""

    def __init__(self, n: int) -> None:
        self._parent = np.arange(n)

    def join(self, first: int, second: int) -> None:
        """Put two items into one component."""
        one, other = self._root(first), self._root(second)
        self._parent[max(one, other)] = min(one, other)

    def labels(self) -> np.ndarray:
        """The smallest index of each item's component, shape [n]."""
        while True:  # pointer doubling: the depth halves each round
            above = self._parent[self._parent]
            if np.array_equal(above, self._parent):
                return above
            self._parent = above

    def _root(self, item: int) -> int:
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return int(item)


def clusters(n: int, pairs: Iterable[tuple[int, ...]]) -> np.ndarray:
    """The smallest index of each item's component, shape [n]; `pairs` are (i, j) or (i, j, similarity)."""
    forest = Forest(n)
    for first, second, *_ in pairs:
        forest.join(int(first), int(second))
    return forest.labels()
