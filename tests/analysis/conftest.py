"""What several tests of the analysis read: the published runs, as a study that imports them has them."""

import polars as pl
import pytest

from themis.vocabulary import ABSENT, PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES


@pytest.fixture(scope="session")
def published_scores(root) -> pl.DataFrame:
    """Every run's rows of schema "scores", made without the code under test; skips where the runs are absent."""
    folder = root.parent / "shared/reference/published_runs"
    if not folder.is_dir():
        pytest.skip(f"needs the published runs in {folder}")
    runs = {file.parent.name: pl.read_parquet(file) for file in sorted(folder.glob("*/scores.parquet"))}
    pairs = max(runs.values(), key=len).select("id", "aspect", "language", "subset")
    chosen, rejected = (pl.col(name).fill_nan(None) for name in ("chosen_score", "rejected_score"))
    lacks = chosen.is_null() | rejected.is_null()
    result = pl.when(chosen > rejected).then(pl.lit("win")).when(chosen < rejected).then(pl.lit("loss"))
    reason = pl.when(pl.col("held").is_null()).then(pl.lit(ABSENT)).when(lacks).then(pl.lit("score is not a number"))
    parts = [
        pairs.join(run.select("id", "chosen_score", "rejected_score", held=True), on="id", how="left").select(
            pl.lit(model).alias("model"), pl.lit("crb").alias("benchmark"), "id", chosen, rejected,
            pl.when(lacks).then(pl.lit("missing")).otherwise(result.otherwise(pl.lit("tie"))).alias("outcome"),
            reason.alias("missing_reason"), pl.lit("criterion").alias("prompt_mode"),
            pl.col("aspect").replace(PUBLISHED_ASPECTS), pl.col("language").replace(PUBLISHED_LANGUAGES), "subset",
        )
        for model, run in runs.items()
    ]  # fmt: skip
    return pl.concat(parts)
