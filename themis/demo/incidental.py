"""Incidental edits: a comment line or a helper function that the same commit adds to a file or drops from it.

They decide which side of an improvement is longer, so that length tells nothing about quality, and they are spread
over both sides alike, so that they tell nothing either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from themis import chance


@dataclass(frozen=True)
class Edit:
    """What the worse or the better side holds in addition: `side` is "worse", "better" or "" for nothing."""

    side: str = ""
    comment: bool = False
    functions: int = 0

    def kinds(self) -> tuple[str, ...]:
        """The kinds of edit, each of which is to be as frequent on one side as on the other."""
        return ("comment",) * self.comment + (("functions",) if self.functions else ())

    def sign(self) -> int:
        """1 where the better side holds more, -1 where the worse one does."""
        return {"better": 1, "worse": -1, "": 0}[self.side]


_SIZES = ((True, 0), (False, 1), (True, 1), (False, 2), (True, 2), (False, 3), (True, 3))  # smallest first
_EDITS = [
    (max(rank, 1), Edit(side, comment, functions))  # a comment and a function count as equally small
    for rank, (comment, functions) in enumerate(_SIZES)
    for side in ("better", "worse")
]

Render = Callable[[Edit], tuple[str, str]]


class Balance:
    """Chooses the edits of all improvements, one after another, and keeps count of what went to which side."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._surplus: Counter[tuple[str, str]] = Counter()

    def choose(self, row: str, criterion: str, longer: bool, render: Render) -> tuple[Edit, str, str]:
        """The edit after which the better side is longer, or shorter, as wanted; with both sides' texts.

        Half of the improvements that are as wanted by themselves get an edit too. Among the edits that serve, the
        smallest are looked at, and of those the one that evens out the two sides best is taken.
        """
        wanted = 1 if longer else -1
        texts = render(Edit())
        if _sign(texts) == wanted and chance.uniform(self._seed, "incidental edit", row) < 0.5:
            return Edit(), *texts
        serving = {edit: (size, render(edit)) for size, edit in _EDITS}
        serving = {edit: (size, texts) for edit, (size, texts) in serving.items() if _sign(texts) == wanted}
        edit = min(serving, key=lambda edit: (serving[edit][0], self._unevenness(edit, criterion)))
        for kind in edit.kinds():
            self._surplus[criterion, kind] += edit.sign()
            self._surplus["all", kind] += edit.sign()
        return edit, *serving[edit][1]

    def _unevenness(self, edit: Edit, criterion: str) -> tuple[int, int, int]:
        return self._growth(edit, criterion), self._growth(edit, "all"), edit.functions

    def _growth(self, edit: Edit, scope: str) -> int:
        before = [self._surplus[scope, kind] for kind in edit.kinds()]
        return sum(abs(surplus + edit.sign()) - abs(surplus) for surplus in before)


def _sign(texts: tuple[str, str]) -> int:
    worse, better = texts
    return (len(better) > len(worse)) - (len(better) < len(worse))
