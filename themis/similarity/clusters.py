"""Connected components of a duplicate relation, joined many pairs at a time."""

from __future__ import annotations

import numpy as np

_DEEP = 16  # steps to a root after which the whole forest is flattened


class Forest:
    """Union-find over 0..n-1 in which the smallest member of a component is its root."""

    def __init__(self, n: int) -> None:
        self._parent = np.arange(n)

    def __len__(self) -> int:
        return len(self._parent)

    def join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Put one[k] and other[k] into one component, for every k."""
        while True:
            one, other = self.roots(one), self.roots(other)
            apart = one != other
            if not apart.any():
                return
            one, other = one[apart], other[apart]
            # A root that meets several smaller ones gets one of them; the others meet it again in the next round.
            self._parent[np.maximum(one, other)] = np.minimum(one, other)

    def roots(self, items: np.ndarray) -> np.ndarray:
        """The smallest member of each item's component, in the items' shape."""
        above = self._parent[items]
        for _ in range(_DEEP):
            at, above = above, self._parent[above]
            if np.array_equal(at, above):
                self._parent[items] = above
                return above
        return self.labels()[items]

    def labels(self) -> np.ndarray:
        """The smallest member of every item's component, shape [n]."""
        while True:  # pointer doubling: the depth halves each round
            above = self._parent[self._parent]
            if np.array_equal(above, self._parent):
                return above
            self._parent = above
