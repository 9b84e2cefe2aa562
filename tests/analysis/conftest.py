"""What several tests of the analysis use: the published runs, as a study that imports them has them, and an eye for figures."""

import itertools

import polars as pl
import pytest
from matplotlib.text import Text

from themis.analysis import drawing
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
            reason.alias("missing_reason"), pl.lit(None, pl.Boolean).alias("truncated"),
            pl.lit("criterion").alias("prompt_mode"),
            pl.col("aspect").replace(PUBLISHED_ASPECTS), pl.col("language").replace(PUBLISHED_LANGUAGES), "subset",
        )
        for model, run in runs.items()
    ]  # fmt: skip
    return pl.concat(parts)


@pytest.fixture
def faults_of():
    """A function that lists what is illegible in a figure: labels that overlap, and texts beyond its edge."""

    def drawn(figure):
        figure.set_dpi(72)  # the layout is in points; pixels only cost memory
        with drawing.style():
            figure.draw_without_rendering()
        faults = list(_faults(figure))
        figure.clear()
        return faults

    return drawn


def _faults(figure):
    frame = figure.bbox.padded(1)
    ticks = set()
    for axis in figure.axes:
        for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
            ticks |= set(labels)
            boxes = [tick.get_window_extent() for tick in labels if tick.get_visible() and tick.get_text()]
            if any(first.overlaps(second) for first, second in itertools.pairwise(boxes)):
                yield f"tick labels overlap, such as {labels[0].get_text()!r}"
    titles = [axis.title.get_window_extent() for axis in figure.axes if axis.title.get_text()]
    if any(a.overlaps(b) for i, a in enumerate(titles) for b in titles[:i]):
        yield "titles overlap"
    for text in figure.findobj(Text):
        if text not in ticks and text.get_visible() and text.get_text().strip() and text.get_figure() is not None:
            box = text.get_window_extent()
            if not (frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1):
                yield f"{text.get_text()!r} is cut off"
