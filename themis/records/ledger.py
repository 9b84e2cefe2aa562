"""The attrition ledger: for every stage, rows in = rows kept + rows dropped, each drop with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from themis.errors import Problem
from themis.records.schemas import SCHEMAS
from themis.records.tables import read, write


class Ledger:
    """Counts of one stage, by scope (a split, a shard, a data set). A row is counted in, then kept or dropped once."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._kept: Counter[str] = Counter()
        self._dropped: dict[str, Counter[str]] = {}

    def keep(self, scope: str = "all", rows: int = 1) -> None:
        """Count rows that go on to the next stage."""
        self._kept[scope] += rows
        self._dropped.setdefault(scope, Counter())

    def drop(self, reason: str, scope: str = "all", rows: int = 1) -> None:
        """Count rows that end here, and why."""
        self._kept[scope] += 0
        self._dropped.setdefault(scope, Counter())[reason] += rows

    def table(self) -> pa.Table:
        """The counts as an attrition table: one row per scope and reason, at least one per scope."""
        rows = []
        for scope in sorted(self._kept):
            reasons = {reason: count for reason, count in sorted(self._dropped[scope].items()) if count}
            total = self._kept[scope] + sum(reasons.values())
            for reason, count in (reasons or {None: 0}).items():
                rows.append((self.stage, scope, total, self._kept[scope], reason, count))
        return _table(rows)

    def write(self, path: Path, inputs: Sequence[Path] = ()) -> None:
        """Write the counts to `path`."""
        write(self.table(), path, "attrition", inputs=inputs)


def gather(paths: Iterable[Path], out: Path) -> pa.Table:
    """Join the ledgers of all stages in the order given, the shards of a stage summed.

    Raises Problem where a ledger does not add up.
    """
    paths = list(paths)
    counts: dict[tuple[str, str], list[int]] = {}
    reasons: dict[tuple[str, str], Counter[str]] = {}
    for path in paths:
        seen: set[tuple[str, str]] = set()
        for row in read(path, "attrition").to_pylist():
            key = (row["stage"], row["scope"])
            total = counts.setdefault(key, [0, 0])
            if key not in seen:
                total[0] += row["rows_in"]
                total[1] += row["rows_kept"]
            seen.add(key)
            reasons.setdefault(key, Counter())[row["reason"] or ""] += row["rows_dropped"]
    rows = []
    for (stage, scope), (rows_in, kept) in counts.items():
        dropped = {reason: count for reason, count in sorted(reasons[stage, scope].items()) if count}
        if rows_in != kept + sum(dropped.values()):
            raise Problem(
                f"{out}: stage {stage}, {scope}: {rows_in} rows in, {kept} kept, {sum(dropped.values())} dropped: "
                f"{rows_in - kept - sum(dropped.values())} rows have no reason"
            )
        rows += [(stage, scope, rows_in, kept, reason or None, count) for reason, count in (dropped or {"": 0}).items()]
    table = _table(rows)
    write(table, out, "attrition", inputs=paths)
    return table


def _table(rows: list[tuple]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    schema = SCHEMAS["attrition"]
    return pa.table([pa.array(c, t) for c, t in zip(columns, schema.types, strict=True)], names=schema.names)
