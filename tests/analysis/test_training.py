"""What is said of trained models: the step that was exported, pairs held out where there are any, the best recipe."""

import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from themis import records
from themis.analysis import drawing, training, training_figures


def told(model, stage, **numbers):
    """Rows of a metrics table: a list is one value a step, a number has no step."""
    rows = []
    for metric, values in numbers.items():
        listed = isinstance(values, list)
        rows += [
            {"stage": stage, "subject": model, "metric": metric, "step": at if listed else None, "value": value}
            for at, value in enumerate(values if listed else [values], start=1)
            if value is not None
        ]
    return rows


@pytest.fixture
def metrics():
    measured = {"held_out_loss": [None, 0.6, None, 0.7], "held_out_accuracy": [None, 0.75, None, 0.5]}
    controlled = {"held_out_length_controlled_accuracy": [None, 0.625, None, 0.5]}
    rows = [
        *told("main", "train-first", loss=[4.0, 3.0, 2.0, 1.0], accuracy=[0.5, 0.5, 0.75, 1.0]),
        *told("main", "train-second", loss=[1.0, 0.5, 0.5, 0.25], accuracy=[0.5, 0.6, 0.7, 0.8], **measured, **controlled,
              exported_step=2.0, held_out_pairs=40.0),
        *told("other", "train-second", loss=[1.0], accuracy=[0.5], held_out_loss=[0.1], held_out_accuracy=[0.9],
              exported_step=1.0, held_out_pairs=40.0),
        *told("judge", "judge", loss=[1.0]),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=dict(pl.from_arrow(records.SCHEMAS["metrics"].empty_table()).schema))


def test_models_are_compared_at_the_step_that_was_exported(metrics):
    rows = training.comparison(metrics).rows(named=True)
    low, high = proportion_confint(30, 40, method="wilson")
    assert rows[0] == {
        "stage": "train-first", "model": "main", "step": 4, "steps": 4, "pairs": None, "loss": 1.0, "accuracy": 1.0,
        "low": None, "high": None, "length_controlled": None,
    }  # fmt: skip
    assert rows[1] == {
        "stage": "train-second", "model": "main", "step": 2, "steps": 4, "pairs": 40, "loss": 0.6, "accuracy": 0.75,
        "low": pytest.approx(low), "high": pytest.approx(high), "length_controlled": 0.625,
    }  # fmt: skip
    assert [(row["model"], row["accuracy"], row["length_controlled"]) for row in rows[2:]] == [("other", 0.9, None)]


def test_the_answer_is_of_the_first_model_and_names_the_best(metrics):
    assert training.answer(metrics) == (
        "Training (first): 4 steps, loss from 4.00 to 1.00 nats and accuracy from 50% to 100% (means of the first and the "
        "last quarter); Training (second): 4 steps, loss from 1.00 to 0.25 nats and accuracy from 50% to 80% (means of "
        "the first and the last quarter), 75.0% [59.8%, 85.8%], length-controlled 62.5%, on 40 pairs held out; of 2 models "
        "the best on held-out pairs: other, 90.0% [76.9%, 96.0%]."
    )
    assert training.answer(metrics.clear()) == "This study trained no model."


def test_curves_tell_training_pairs_from_those_held_out(metrics):
    curves = training.curves(metrics)
    here = curves.filter(pl.col("model") == "main", pl.col("stage") == "train-second", pl.col("metric") == "accuracy")
    assert here.select("part", "step", "value").rows() == [
        *(("training", step, value) for step, value in enumerate([0.5, 0.6, 0.7, 0.8], start=1)),
        ("held out", 2, 0.75),
        ("held out", 4, 0.5),
    ]
    assert set(curves["model"]) == {"main", "other"}


def test_figures_show_what_there_is(metrics):
    curves = training.curves(metrics)
    styles = drawing.marks(["main", "other"])
    figure = training_figures.training_curves(curves, training.LEARNED, styles)
    assert [axis.get_title("left") for axis in figure.axes] == ["Training (first)", "Training (second)", "", ""]
    marked = [line.get_xydata().tolist() for line in figure.axes[3].lines if line.get_markerfacecolor() == "white"]
    assert marked == [[[2, 0.75], [4, 0.5]], [[1, 0.9]]]
    dots = training_figures.comparison_dots(training.comparison(metrics), styles)
    assert [tick.get_text() for tick in dots.axes[0].get_yticklabels()] == ["main", "other"]
    assert (
        training_figures.training_curves(curves, training.INNER, styles).texts[0].get_text() == training_figures.NOTHING
    )
    assert training_figures.comparison_dots(training.comparison(metrics).clear(), styles).texts


def test_a_later_stage_with_larger_numbers_is_drawn_whole(metrics):
    rates = pl.DataFrame(
        [*told("main", "train-first", lr=[1e-4, 5e-5]), *told("main", "train-second", lr=[4e-4, 1e-5])],
        metrics.schema,
    )
    styles = drawing.marks(["main"])
    figure = training_figures.training_curves(training.curves(rates), training.INNER, styles)
    for axis in figure.axes:
        highest = max(value for line in axis.lines for value in line.get_ydata())
        assert highest <= axis.get_ylim()[1]
