"""A table that loses rows one reason after another, each counted in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from themis.records import Ledger


class Sieve:
    """Rows on their way through the filters. The column `scope` says under which scope of the ledger a row counts."""

    def __init__(self, rows: pl.DataFrame, ledger: Ledger) -> None:
        self.rows = rows
        self._ledger = ledger

    def drop(self, reason: str, which: pl.Expr | np.ndarray) -> None:
        """Drop the rows for which an expression or a mask is true; null counts as false."""
        mask = self.rows.select(which).to_series() if isinstance(which, pl.Expr) else pl.Series(which, dtype=pl.Boolean)
        self.drop_by([reason if drop else None for drop in mask])

    def drop_by(self, reasons: Sequence[str | None]) -> None:
        """Drop every row that has a reason of its own."""
        rows = self.rows.with_columns(pl.Series("reason", reasons, dtype=pl.String))
        lost = rows.filter(pl.col("reason").is_not_null()).group_by("reason", "scope").len()
        for reason, scope, count in lost.iter_rows():
            self._ledger.drop(reason, scope, count)
        self.rows = rows.filter(pl.col("reason").is_null()).drop("reason")

    def finish(self) -> pl.DataFrame:
        """Count what is left as kept, and return it without its scope."""
        for scope, count in self.rows.group_by("scope").len().iter_rows():
            self._ledger.keep(scope, count)
        return self.rows.drop("scope")
