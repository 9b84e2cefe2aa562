"""What a benchmark finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Two measurements of one run, both in `unit`, less being better; the bar is for their ratio."""

    unit: str
    ours: float
    peer: float
    peer_is: str
    bar: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        return self.peer / self.ours

    @property
    def holds(self) -> bool:
        """Whether the bar is reached."""
        return self.ratio >= self.bar
