"""What was found wrong or odd about runs scored elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl


@dataclass
class Findings:
    """Findings in the order they were made: (run, severity, check, rows, detail)."""

    rows: list[tuple[str, str, str, int, str]] = field(default_factory=list)

    def note(self, run: str, check: str, rows: int, detail: str) -> None:
        """Something a reader must know; the run stays."""
        self.rows.append((run, "note", check, rows, detail))

    def refuse(self, run: str, check: str, rows: int, detail: str) -> None:
        """A fault for which the run is left out."""
        self.rows.append((run, "refused", check, rows, detail))

    def table(self) -> pl.DataFrame:
        """As a table of schema "findings"."""
        names = {"run": pl.String, "severity": pl.String, "check": pl.String, "rows": pl.Int64, "detail": pl.String}
        return pl.DataFrame(self.rows, schema=names, orient="row")
