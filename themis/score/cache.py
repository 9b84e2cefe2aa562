"""Results of finished batches on disk, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from themis.errors import Problem
from themis.score.protocol import PairScore


class BatchCache:
    """An append-only file of JSON lines, one a batch, on disk before the batch counts as done.

    The key names everything a batch's scores depend on, its composition included: what is found is, to the bit, what
    computing it again would give. A last line that a killed run left unfinished is dropped. Without a file, nothing
    is kept.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = None if file is None else Path(file)
        self._known: dict[str, list[PairScore]] = {}
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._read(self._file)

    def get(self, key: str) -> list[PairScore] | None:
        """The scores of a finished batch, in its order, or None."""
        return self._known.get(key)

    def put(self, key: str, scores: Sequence[PairScore]) -> None:
        """Keep a finished batch."""
        self._known[key] = list(scores)
        if self._file is None:
            return
        values = [[score.chosen, score.rejected, score.missing_reason] for score in scores]
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"key": key, "scores": values}, allow_nan=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _read(self, file: Path) -> None:
        if not file.exists():
            return
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                self._known[entry["key"]] = [PairScore(*values) for values in entry["scores"]]
            except (ValueError, KeyError, TypeError):
                raise Problem(f"{file}:{number}: not a line of a score cache; delete the file") from None
        if len(whole) < len(content):  # or the next line would be glued to the remains
            os.truncate(file, len(whole))
