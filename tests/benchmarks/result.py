"""What a benchmark finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Two measurements of one run, both in `unit`, less being better; the bar is for their ratio.

    Where there is a `limit`, ours may not be above it either; `true` is false where what was measured came out wrong.
    """

    unit: str
    ours: float
    peer: float
    peer_is: str
    bar: float
    note: str = ""
    limit: float | None = None
    true: bool = True

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        return self.peer / self.ours

    @property
    def holds(self) -> bool:
        """Whether the bar and the limit are reached by a right result."""
        return self.true and self.ratio >= self.bar and (self.limit is None or self.ours <= self.limit)
