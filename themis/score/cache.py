"""Results of finished batches on disk, so that a stopped run goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from themis.records.appended import append_entry, read_entries
from themis.score.protocol import PairScore


class BatchCache:
    """An append-only file of JSON lines, one a batch, on disk before the batch counts as done.

    The key names everything a batch's scores depend on, its composition included: what is found is, to the bit, what
    computing it again would give. A last line that a killed run left unfinished is dropped. Without a file, nothing
    is kept. Raises Problem where the file holds anything else.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = None if file is None else Path(file)
        self._known = {} if self._file is None else read_entries(self._file, _scores, "batch of scores")

    def get(self, key: str) -> list[PairScore] | None:
        """The scores of a finished batch, in its order, or None."""
        return self._known.get(key)

    def put(self, key: str, scores: Sequence[PairScore]) -> None:
        """Keep a finished batch."""
        self._known[key] = list(scores)
        if self._file is not None:
            values = [[score.chosen, score.rejected, score.missing_reason] for score in scores]
            append_entry(self._file, key, scores=values)


def _scores(fields: dict[str, Any]) -> list[PairScore]:
    return [PairScore(*values) for values in fields["scores"]]
