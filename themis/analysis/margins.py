"""What the margins of pairs say: how wide they are by criterion, and where two models differ most about a pair."""

from __future__ import annotations

import polars as pl

from themis.analysis.accuracy import OVERALL, ordered_groups

_MARGIN = (pl.col("chosen_score") - pl.col("rejected_score")).alias("margin")


def profiles(scores: pl.DataFrame) -> pl.DataFrame:
    """The middle of each model's margins, of all pairs and by criterion: model, group, n, low, middle, high.

    `low`, `middle` and `high` are the quartiles of chosen - rejected score over the pairs scored, in standard deviations
    of the model's own margins (null where all are alike). A group in which a model has no score has no row.
    """
    scored = scores.with_columns(_MARGIN).filter(pl.col("margin").is_finite())
    spread = pl.col("margin").std().over("model")
    scored = scored.with_columns(margin=pl.when(spread > 0).then(pl.col("margin") / spread))
    quartiles = {"low": 0.25, "middle": 0.5, "high": 0.75}
    parts = [scored.with_columns(group=pl.lit(OVERALL)), scored.with_columns(group=pl.col("aspect"))]
    table = (
        pl.concat(parts)
        .group_by("model", "group", maintain_order=True)
        .agg(n=pl.len(), **{name: pl.col("margin").quantile(at, "linear") for name, at in quartiles.items()})
    )
    groups = [OVERALL, *ordered_groups(scores["aspect"].unique().to_list())]
    order = pl.col("group").replace_strict({group: place for place, group in enumerate(groups)}, return_dtype=pl.Int64)
    models = {model: place for place, model in enumerate(scores["model"].unique(maintain_order=True))}
    return table.sort(order, pl.col("model").replace_strict(models, return_dtype=pl.Int64))


def disagreements(scores: pl.DataFrame, first: str, second: str, number: int) -> pl.DataFrame:
    """The pairs that one model wins and the other loses, those about which both are surest first, `number` at most.

    Columns: id, aspect, language, right (the model that wins), apart, and for each side of each model
    `<first|second>_<chosen|rejected>`. A model's sureness of a pair is the share of its margins that are as small or
    smaller; `apart` is that of the less sure of the two.
    """
    sides = {"chosen_score": "chosen", "rejected_score": "rejected"}
    own = []
    for name, model in (("first", first), ("second", second)):
        rows = scores.filter(pl.col("model") == model).with_columns(_MARGIN)
        scored = rows.filter(pl.col("margin").is_finite())
        sure = (pl.col("margin").abs().rank("max") / pl.len()).alias(f"{name}_sure")
        renamed = {side: f"{name}_{short}" for side, short in sides.items()} | {"outcome": f"{name}_outcome"}
        labels = ["id", "aspect", "language"] if name == "first" else ["id"]
        own.append(scored.with_columns(sure).rename(renamed).select(*labels, f"{name}_sure", *renamed.values()))
    both = own[0].join(own[1], on="id", how="inner")
    won = pl.concat_str(pl.col("first_outcome"), pl.col("second_outcome"), separator=" ")
    return (
        both.filter(won.is_in(["win loss", "loss win"]))
        .with_columns(
            right=pl.when(pl.col("first_outcome") == "win").then(pl.lit(first)).otherwise(pl.lit(second)),
            apart=pl.min_horizontal("first_sure", "second_sure"),
        )
        .sort("apart", "id", descending=[True, False])
        .head(number)
        .select(
            "id", "aspect", "language", "right", "apart", "first_chosen", "first_rejected", "second_chosen",
            "second_rejected",
        )
    )  # fmt: skip
