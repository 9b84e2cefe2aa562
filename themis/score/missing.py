"""Rows without a score: why, whether they may be, and how they are counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from themis.errors import Problem
from themis.records import Ledger


def reasons_of(table: pa.Table, source: Path, name: str, *, what: str, otherwise: str | None) -> Counter[str]:
    """How many rows of a model's table have no score, by reason.

    `otherwise` says what --allow-missing makes of such rows (which `what` names); None: it is set. Raises Problem where
    rows have no score and it is not.
    """
    reasons = Counter(reason for reason in table.column("missing_reason").to_pylist() if reason is not None)
    if reasons and otherwise is not None:
        said = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        raise Problem(
            f"{source}: model {name} has no score for {reasons.total()} of {len(table)} {what} ({said}); "
            f"--allow-missing {otherwise}"
        )
    return reasons


def ledger_of(stage: str, scope: str, rows: int, reasons: Counter[str]) -> Ledger:
    """The ledger of so many rows, of which those with a reason have no score."""
    ledger = Ledger(stage)
    ledger.keep(scope, rows - reasons.total())
    for reason, count in reasons.items():
        ledger.drop(reason, scope, count)
    return ledger
