"""The two contents of a change, which may come from two repositories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from themis.contents.blobs import MISSING, NOT_AT_HAND, UNREADABLE, Outcome
from themis.contents.decode import decode
from themis.repositories.network import ABSENT, REFUSED, SILENT

_ELSEWHERE = (MISSING, NOT_AT_HAND, UNREADABLE, ABSENT, REFUSED, SILENT)  # another source may still have it

# Both texts with their encodings, old then new.
Pair = tuple[tuple[str, str], tuple[str, str]]


class Pairs:
    """What has been found of each row so far; a text whose counterpart is lacking waits as a file in `folder`."""

    def __init__(self, old_blobs: Sequence[str], new_blobs: Sequence[str], folder: Path) -> None:
        self.lacking: dict[int, str] = {}  # by row, why its last source did not complete it
        self._blobs = list(zip(old_blobs, new_blobs, strict=True))
        self._half: dict[int, int] = {}  # by row, the side that is found: 0 old, 1 new
        self._folder = folder

    def needs(self, row: int) -> tuple[str, ...]:
        """The object ids that the row still lacks, old then new."""
        half = self._half.get(row)
        return self._blobs[row] if half is None else (self._blobs[row][1 - half],)

    def add(self, row: int, outcomes: Sequence[Outcome]) -> Pair | str | None:
        """What the outcomes of the row's needs make of it: its texts, the reason why it has none, None: ask further."""
        final = [one for one in outcomes if isinstance(one, str) and one not in _ELSEWHERE]
        if final:
            return final[0]
        lacking = [one for one in outcomes if isinstance(one, str)]
        if lacking:
            self.lacking[row] = lacking[0]
            if len(lacking) < len(outcomes):
                self._put_by(row, 0 if isinstance(outcomes[1], str) else 1, outcomes)
            return None
        if len(outcomes) == 2:
            return outcomes[0], outcomes[1]
        half = self._half[row]
        other = decode((self._folder / self._blobs[row][half]).read_bytes())
        return (other, outcomes[0]) if half == 0 else (outcomes[0], other)

    def _put_by(self, row: int, side: int, outcomes: Sequence[Outcome]) -> None:
        text, encoding = outcomes[side]
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / self._blobs[row][side]).write_bytes(text.encode(encoding))
        self._half[row] = side
