"""How the preference sets came about: yields, agreement, ratings, judges, lengths, and whether the better is the longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from statsmodels.stats.proportion import proportion_confint

from themis import records
from themis.analysis.accuracy import OVERALL, ordered_groups
from themis.vocabulary import CRITERION_LABELS

SETS = {"code": "Code set", "general": "General set", "benchmark": "Benchmark"}
STAGES = {
    "collect": "Collections",
    "assemble_code": "Code set",
    "assemble_general": "General set",
    "benchmark": "Benchmark",
}
GROUPINGS = ("source", "aspect", "language")
KEPT, OTHER = "kept", "other reasons"
_REASONS = 6  # told apart, the most frequent ones
_STEP = 0.25  # of a rating
_AGREEMENT = ("pairs", "kept", "mean_rating", "alpha_interval", "alpha_ordinal", "weighted_kappa")
_JUDGES = ("votes", "missing_votes", "position_bias", "position_lean", "order_agreement", "tie_share", "chosen_share")


def yields(ledger: pl.DataFrame) -> pl.DataFrame:
    """What became of the pairs of every set and source: set, source, rows_in, outcome (kept, a reason, or the rarer reasons
    together), rows. `ledger` has schema "attrition"."""
    known = ledger.filter(pl.col("stage").is_in(list(STAGES)), pl.col("rows_in") > 0)
    frequent = (
        known.drop_nulls("reason").group_by("reason").agg(pl.col("rows_dropped").sum())
        .sort("rows_dropped", "reason", descending=[True, False]).head(_REASONS)["reason"]
    )  # fmt: skip
    named = pl.when(pl.col("reason").is_in(frequent.implode())).then("reason").otherwise(pl.lit(OTHER))
    keys = ["stage", "scope", "rows_in"]
    kept = known.unique(["stage", "scope"], keep="first", maintain_order=True)
    parts = [
        kept.select(*keys, outcome=pl.lit(KEPT), rows="rows_kept"),
        known.drop_nulls("reason")
        .group_by(*keys, outcome=named, maintain_order=True)
        .agg(rows=pl.col("rows_dropped").sum()),
    ]
    order = {outcome: place for place, outcome in enumerate([KEPT, *frequent, OTHER])}
    return (
        pl.concat(parts)
        .with_columns(
            set=pl.col("stage").replace_strict(STAGES, return_dtype=pl.String),
            stage_place=pl.col("stage").replace_strict(
                {stage: at for at, stage in enumerate(STAGES)}, return_dtype=pl.Int64
            ),
            place=pl.col("outcome").replace_strict(order, return_dtype=pl.Int64),
        )
        .sort("stage_place", "rows_in", "scope", "place", descending=[False, True, False, False])
        .select("set", "rows_in", "outcome", "rows", source="scope")
    )


def agreement(metrics: pl.DataFrame) -> pl.DataFrame:
    """How reviewers agree over all pairs, by criterion and by language: kind (all, criterion, language), group, pairs, kept,
    mean_rating, alpha_interval, alpha_ordinal, weighted_kappa; null where one reviewer rated. `metrics` are the reviews'."""
    table = _wide(metrics.filter(pl.col("stage") == "review"), _AGREEMENT)
    cells = table.filter(pl.col("kept").is_not_null() & ~pl.col("subject").str.contains("/", literal=True))
    criteria = list(CRITERION_LABELS)
    kind = (
        pl.when(pl.col("subject") == "all").then(pl.lit("all"))
        .when(pl.col("subject").is_in(criteria)).then(pl.lit("criterion"))
        .otherwise(pl.lit("language"))
    )  # fmt: skip
    names = ordered_groups([name for name in cells["subject"] if name != "all"])
    order = {name: place for place, name in enumerate(["all", *names])}
    return (
        cells.with_columns(kind=kind, place=pl.col("subject").replace_strict(order, return_dtype=pl.Int64))
        .sort("place")
        .select("kind", pl.col("subject").replace({"all": OVERALL}).alias("group"), *_AGREEMENT)
    )


def judges(metrics: pl.DataFrame) -> pl.DataFrame:
    """Each judge: judge, votes, missing_votes, position_bias (share of votes for the reply shown first, 0.5 is none),
    position_lean, order_agreement, tie_share, chosen_share. `metrics` are the judgements'."""
    table = _wide(metrics.filter(pl.col("stage") == "judge"), _JUDGES)
    return table.filter(pl.col("votes").is_not_null()).select(pl.col("subject").alias("judge"), *_JUDGES).sort("judge")


def ratings(paths: Sequence[Path]) -> pl.DataFrame:
    """Ratings in steps of a quarter: reviewer, low, high (its end excluded but for 5), ratings."""
    parts = [pl.DataFrame(schema={"reviewer": pl.String, "place": pl.Int64, "ratings": pl.UInt32})]
    last = int((5 - 1) / _STEP) - 1
    for path in paths:
        for table in records.stream(path, "reviews", ["reviewer", "rating"]):
            rows = pl.DataFrame(pl.from_arrow(table)).drop_nulls("rating")
            place = ((pl.col("rating") - 1) / _STEP).floor().clip(0, last).cast(pl.Int64)
            parts.append(rows.group_by("reviewer", place=place).agg(ratings=pl.len()))
    low = 1 + pl.col("place") * _STEP
    summed = pl.concat(parts).group_by("reviewer", "place").agg(pl.col("ratings").sum().cast(pl.Int64))
    return summed.sort("reviewer", "place").select("reviewer", low=low, high=low + _STEP, ratings="ratings")


def sizes(tables: Mapping[str, Path]) -> pl.DataFrame:
    """Lengths of the responses of every set in bins that double: set, side (chosen, rejected), shortest, longest (characters,
    the upper end excluded; 0 to 1 holds the empty), pairs. Keys of `tables` are those of `SETS`."""
    parts = [pl.DataFrame(schema={"set": pl.String, "side": pl.String, "place": pl.Int64, "pairs": pl.UInt32})]
    for name, path in tables.items():
        schema = "benchmark" if name == "benchmark" else "preferences"
        for table in records.stream(path, schema, ["chosen", "rejected"]):
            lengths = pl.DataFrame(pl.from_arrow(table)).select(pl.all().str.len_chars())
            for side in lengths.columns:
                place = pl.when(pl.col(side) > 0).then(pl.col(side).log(2).floor().cast(pl.Int64)).otherwise(-1)
                counts = lengths.group_by(place=place).agg(pairs=pl.len())
                parts.append(counts.select(pl.lit(name).alias("set"), pl.lit(side).alias("side"), "place", "pairs"))
    low, high = (pl.when(pl.col("place") < 0).then(end).otherwise(2 ** (pl.col("place") + end)) for end in (0, 1))
    summed = pl.concat(parts).group_by("set", "side", "place").agg(pl.col("pairs").sum().cast(pl.Int64))
    order = pl.col("set").replace_strict({name: at for at, name in enumerate(SETS)}, return_dtype=pl.Int64)
    return summed.sort(order, "side", "place").select(
        "set", "side", low.cast(pl.Int64).alias("shortest"), high.cast(pl.Int64).alias("longest"), "pairs"
    )


def longer(lengths: pl.DataFrame) -> pl.DataFrame:
    """How often chosen is the longer response, of the pairs whose responses differ in length, before and after balancing:
    by (source, aspect, language), set, moment, group, longer, equal, shorter, share with its 95% Wilson interval (low,
    high). `lengths` has schema "lengths". All pairs of a set come first.
    """
    return pl.concat([_longer(lengths, by) for by in GROUPINGS])


def _longer(lengths: pl.DataFrame, by: str) -> pl.DataFrame:
    order = {name: place for place, name in enumerate([OVERALL, *ordered_groups(lengths[by].unique().to_list())])}
    sets = {name: place for place, name in enumerate(SETS)}
    both = pl.concat([lengths.with_columns(group=pl.lit(OVERALL)), lengths.with_columns(group=pl.col(by))])
    sums = both.group_by("set", "moment", "group").agg(pl.col("longer", "equal", "shorter").sum())
    rows = []
    for row in sums.iter_rows(named=True):
        differ = row["longer"] + row["shorter"]
        low, high = proportion_confint(row["longer"], differ, method="wilson") if differ else (None, None)
        share = row["longer"] / differ if differ else None
        rows.append({"by": by, **row, "share": share, "low": low, "high": high})
    schema = {"by": pl.String, **sums.schema, **dict.fromkeys(("share", "low", "high"), pl.Float64)}
    return pl.DataFrame(rows, schema=schema).sort(
        pl.col("set").replace_strict(sets, return_dtype=pl.Int64),
        pl.col("group").replace_strict(order, return_dtype=pl.Int64),
        pl.col("moment") == "after",
    )


def answer(flow: pl.DataFrame, shares: pl.DataFrame, agreed: pl.DataFrame, judged: pl.DataFrame) -> str:
    """The sets in short. Tables are what `yields`, `longer`, `agreement` and `judges` return."""
    kept = []
    for name in SETS.values():
        rows = flow.filter(pl.col("set") == name)
        if rows.height:
            came, left = rows.unique("source")["rows_in"].sum(), rows.filter(pl.col("outcome") == KEPT)["rows"].sum()
            kept.append(f"{left:,} of {came:,} ({name.lower()})")
    said = [f"Pairs kept: {', '.join(kept)}." if kept else "No pairs were assembled."]
    overall = shares.filter(pl.col("group") == OVERALL, pl.col("by") == GROUPINGS[0]).drop_nulls("share")
    found = {(name, moment): share for name, moment, share in overall.select("set", "moment", "share").iter_rows()}
    longer = []
    for name in SETS:
        if (name, "before") in found:
            after = f", {found[name, 'after']:.0%} after balancing" if (name, "after") in found else ""
            longer.append(f"{found[name, 'before']:.0%} ({SETS[name].lower()}{after})")
    if longer:
        said.append(f"Of those that differ in length, chosen is the longer in {', '.join(longer)}.")
    alpha = agreed.filter(pl.col("group") == OVERALL)["alpha_interval"].drop_nulls()
    if len(alpha):
        said.append(f"Krippendorff's alpha of the reviewers is {alpha[0]:.2f}.")
    for judge, bias in judged.drop_nulls("position_bias").select("judge", "position_bias").iter_rows():
        said.append(f"{judge} votes for the reply shown first in {bias:.0%} of its votes for either.")
    return " ".join(said)


def _wide(metrics: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """A row per subject with a column for each of these metrics."""
    rows = metrics.filter(pl.col("metric").is_in(names))
    columns = [pl.col("value").filter(pl.col("metric") == name).first().alias(name) for name in names]
    return rows.group_by("subject").agg(columns)
