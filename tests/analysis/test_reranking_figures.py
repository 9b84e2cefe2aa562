"""Figures of re-ranking: every model is drawn, the random order and the oracle beside them, and what is not there is said."""

import numpy as np
import polars as pl
import pytest

from tests.analysis.test_reranking import F, T, frame, rows
from themis.analysis import drawing, reranking, reranking_figures

STYLES = drawing.marks(["good", "bad"])


@pytest.fixture(scope="module")
def data():
    """Two models on four questions, one in order of the tests passed and one the other way round."""
    scores, verdicts = [3.0, 2.0, 1.0, 0.0], [T, F, F, F]
    return frame(
        *(rows("good", f"q{at}", scores, verdicts, passed=[4, 3, 2, 1]) for at in range(4)),
        *(rows("bad", f"q{at}", scores[::-1], verdicts, passed=[4, 3, 2, 1]) for at in range(4)),
    )


@pytest.fixture(scope="module")
def summary(data):
    return reranking.summary(reranking.questions(data), resamples=200)


def test_bars_are_the_means_and_the_line_is_chance(summary, faults_of):
    figure = reranking_figures.hits_bars(summary, STYLES)
    assert [axis.get_title("left") for axis in figure.axes] == ["Hits@1", "Hits@5", "Hits@10"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["good", "bad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.0, 0.0]
    assert figure.axes[0].lines[-1].get_xdata()[0] == 0.25  # one of four passes
    assert not faults_of(figure)


def test_curves_are_drawn_whole(data, faults_of):
    curves = reranking.curves(data, resamples=200)
    figure = reranking_figures.best_of_n(curves, STYLES)
    drawn = [line.get_ydata().tolist() for line in figure.axes[0].lines]
    expected = [[1 / 4, 2 / 4, 3 / 4, 1], [1 / 4, 0, 0, 0], [1 / 4] * 4, [1 / 4, 2 / 4, 3 / 4, 1]]
    assert np.allclose(drawn, expected)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["good", "bad", reranking.RANDOM, reranking.ORACLE]
    assert not faults_of(figure)


def test_correlations_show_mean_and_median(summary, faults_of):
    figure = reranking_figures.correlations(summary, STYLES)
    assert [axis.get_title("left") for axis in figure.axes] == ["Spearman", "Kendall (tau-b)"]
    diamonds = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert np.allclose(sorted(diamonds), [-1, 1])
    assert not faults_of(figure)


def test_what_is_not_there_is_said():
    nothing = frame(rows("good", "q", [1.0, 1.0], [F, F]))
    summary = reranking.summary(reranking.questions(nothing), resamples=200)
    assert reranking_figures.NOTHING[:30] in reranking_figures.hits_bars(summary, STYLES).texts[0].get_text()
    assert reranking_figures.UNCORRELATED[:30] in reranking_figures.correlations(summary, STYLES).texts[0].get_text()
    unknown = frame(rows("good", "q", [1.0], [None]))
    assert reranking_figures.best_of_n(reranking.curves(unknown, resamples=200), STYLES).texts
    assert isinstance(reranking.curves(unknown, resamples=200), pl.DataFrame)
