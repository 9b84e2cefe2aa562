"""Something of which only so much may be done in a minute, spread evenly."""

from __future__ import annotations

import time


class Pace:
    """Turns, each at the earliest when what came before has used up its share of a minute; None: as fast as can be.

    Even spacing keeps the limit in every minute, the first included, where a bucket would let twice as much through.
    """

    def __init__(self, per_minute: float | None, now: float | None = None) -> None:
        self._seconds = 60.0 / per_minute if per_minute else 0.0
        self._free = time.monotonic() if now is None else now

    def turn(self, amount: float, now: float) -> float:
        """Seconds to wait before doing so much; the turn is taken."""
        start = max(self._free, now)
        self._free = start + amount * self._seconds
        return start - now

    def correct(self, amount: float) -> None:
        """So much more (or, negative, less) was done than the turns said."""
        self._free += amount * self._seconds

    def pause(self, seconds: float, now: float) -> None:
        """No turn before so many seconds from now."""
        self._free = max(self._free, now + seconds)
