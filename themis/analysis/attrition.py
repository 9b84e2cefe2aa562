"""What became of the rows: the ledger as a table for readers, and as a flow from stage to stage."""

from __future__ import annotations

import polars as pl

SHARED = "shared"
SPLITS = {"train": "Training split", "benchmark": "Benchmark split"}
STAGE_LABELS = {
    "mine": "Mining query",
    "select": "Selection",
    "retrieve": "Contents",
    "deduplicate": "Deduplication",
    "aspects": "Criterion",
    "review": "Review",
    "benchmark": "Assembly (benchmark)",
    "collect": "Collection",
    "assemble_code": "Assembly (code set)",
    "assemble_general": "Assembly (general set)",
}
# The stages that make pairs, and of which split's rows; each takes what the last stage before them kept.
ASSEMBLED = {"benchmark": "benchmark", "assemble_code": "train", "assemble_general": "train"}


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


def flow(ledger: pl.DataFrame) -> pl.DataFrame:
    """The commits' way from the mining query to the sets of pairs: one row per lane, stage and reason (one with a null
    reason where nothing is dropped), in the chain's order, the most frequent reason first.

    Columns: lane (shared, train or benchmark), stage, after (the stage of which it takes what was kept; null for the
    first), rows_in, rows_kept, entered (rows that do not come from there: problems that are not commits; negative where
    not all of them were taken), reason, rows_dropped. Both training sets are assembled from the same training rows; the
    scopes of a stage within a lane are summed.
    """
    # Collections take the same rows several times, so they are no stage of the flow; what they drop is not taken.
    known = ledger.filter(pl.col("stage").is_in([*STAGE_LABELS]), pl.col("stage") != "collect").with_columns(
        lane=_lane()
    )
    counts = (
        known.unique(["stage", "scope"], keep="first", maintain_order=True)
        .group_by("lane", "stage", maintain_order=True)
        .agg(pl.col("rows_in", "rows_kept").sum())
    )
    drops = (
        known.filter(pl.col("reason").is_not_null())
        .group_by("lane", "stage", "reason")
        .agg(pl.col("rows_dropped").sum())
        .sort("rows_dropped", "reason", descending=[True, False])
    )
    joined = _linked(counts).join(drops, on=["lane", "stage"], how="left", maintain_order="left_right")
    return joined.with_columns(pl.col("rows_dropped").fill_null(0))


def stage_label(stage: str) -> str:
    """A stage as a reader sees it."""
    for prefix, said in (("train-", "Training"), ("score-", "Scoring"), ("rerank-", "Re-ranking")):
        if stage.startswith(prefix):
            return f"{said} ({stage.removeprefix(prefix)})"
    return STAGE_LABELS.get(stage, stage)


def _lane() -> pl.Expr:
    stage, scope = pl.col("stage"), pl.col("scope")
    split = pl.when(scope.is_in(list(SPLITS))).then(scope).otherwise(pl.lit(SHARED))
    return stage.replace_strict(ASSEMBLED, default=split)


def _linked(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts by lane and stage, with the stage before and the rows that do not come from it."""
    last: dict[str, tuple[str, int]] = {}
    links = []
    for lane, stage, rows_in, rows_kept in counts.iter_rows():
        after, kept = last.get(lane, last.get(SHARED, (None, 0)))
        # What of the shared rows goes into a lane is the lane's alone to say, unless nothing of it was selected.
        entered = rows_in - kept if lane in last else rows_in if stage in ASSEMBLED else 0
        links.append((lane, stage, after, rows_in, rows_kept, entered))
        if stage not in ASSEMBLED:
            last[lane] = (stage, rows_kept)
    text, number = pl.String, pl.Int64
    schema = {"lane": text, "stage": text, "after": text, "rows_in": number, "rows_kept": number, "entered": number}
    return pl.DataFrame(links, schema=schema, orient="row")


def _order(ledger: pl.DataFrame) -> pl.DataFrame:
    keys = ledger.select("stage", "scope").unique(maintain_order=True)
    return keys.with_columns(order=pl.int_range(keys.height))
