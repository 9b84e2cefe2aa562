"""What became of the rows: the ledger as a table for readers, and as a funnel per split."""

from __future__ import annotations

import polars as pl

SPLITS = {"train": "Training split", "benchmark": "Benchmark split"}
STAGE_LABELS = {
    "mine": "Mining query",
    "select": "Selection",
    "retrieve": "Contents",
    "deduplicate": "Deduplication",
    "aspects": "Criterion",
    "review": "Review",
    "benchmark": "Assembly (benchmark)",
    "assemble-code": "Assembly (code set)",
    "assemble-general": "Assembly (general set)",
}


def stages(ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per stage and scope in the chain's order: rows_in, rows_kept, rows_dropped, share_kept (null where nothing
    came in) and reasons, the most frequent first. `ledger` has schema "attrition"."""
    reason = pl.concat_str(pl.col("reason"), pl.lit(": "), pl.col("rows_dropped").cast(pl.String))
    named = pl.col("reason").is_not_null()
    return (
        ledger.sort("rows_dropped", "reason", descending=[True, False], maintain_order=True)
        .group_by("stage", "scope", maintain_order=True)
        .agg(
            pl.col("rows_in", "rows_kept").first(),
            pl.col("rows_dropped").sum(),
            reasons=reason.filter(named).str.join("; "),
        )
        .with_columns(share_kept=pl.when(pl.col("rows_in") > 0).then(pl.col("rows_kept") / pl.col("rows_in")))
        .join(_order(ledger), on=["stage", "scope"], how="left")
        .sort("order")
        .select("stage", "scope", "rows_in", "rows_kept", "rows_dropped", "share_kept", "reasons")
    )


def funnel(ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per split and stage: split, stage, shared, rows_in, rows_kept, rows_dropped.

    Stages before the rows are split (`shared`) stand in both splits. The benchmark's assembly, kept by subset, is summed.
    """
    rows = stages(ledger)
    split_at = next((place for place, scope in enumerate(rows["scope"]) if scope in SPLITS), rows.height)
    shared = rows[:split_at].filter(pl.col("scope") == "all")
    parts = []
    for split in SPLITS:
        own = pl.col("scope").eq(split)
        if split == "benchmark":
            own = own | pl.col("stage").eq("benchmark")
        after = rows.filter(own).group_by("stage", maintain_order=True).agg(pl.col("^rows_.*$").sum())
        parts += [
            part.select(pl.lit(split).alias("split"), "stage", pl.lit(common).alias("shared"), pl.col("^rows_.*$"))
            for part, common in ((shared, True), (after, False))
        ]
    return pl.concat(parts)


def stage_label(stage: str) -> str:
    """A stage as a reader sees it."""
    for prefix, said in (("train-", "Training"), ("score-", "Scoring")):
        if stage.startswith(prefix):
            return f"{said} ({stage.removeprefix(prefix)})"
    return STAGE_LABELS.get(stage, stage)


def _order(ledger: pl.DataFrame) -> pl.DataFrame:
    keys = ledger.select("stage", "scope").unique(maintain_order=True)
    return keys.with_columns(order=pl.int_range(keys.height))
