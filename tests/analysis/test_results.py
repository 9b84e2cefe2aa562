"""Figures, tables and summary of a small made-up result set: legible, reproducible, complete, safe."""

import io
import re
from functools import partial

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from themis import records
from themis.analysis import (
    accuracy,
    attrition,
    attrition_flow,
    classifiers,
    composition,
    criteria_figures,
    data_figures,
    discrepancies,
    drawing,
    figures,
    heat_maps,
    inputs,
    printed,
    score_figures,
    tables,
    training,
    training_figures,
)
from themis.analysis.measure import measure
from themis.analysis.summary import print_summary
from themis.registry import known_models
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

CRITERIA = [criterion.value for criterion in CODE_CRITERIA]
HOSTILE = "<script>alert(1)</script>|a_b"


def write(rows, path, schema):
    records.write(pl.DataFrame(rows, infer_schema_length=None).to_arrow(), path, schema)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """80 pairs, three models (one with a hostile name), a ledger, metrics."""
    folder = tmp_path_factory.mktemp("results")
    languages = list(LANGUAGES)
    pairs = [
        {"id": f"{i:03d}", "prompt": f"p{i // 2}", "chosen": "x" * (i % 7), "rejected": "x" * (i % 5),
         "aspect": CRITERIA[i % 5], "language": languages[i % 8], "subset": "S"}
        for i in range(80)
    ]  # fmt: skip
    write(pairs, folder / "benchmark.parquet", "benchmark")
    rows = []
    for place, model in enumerate(("themis-rm-135m", "judge", HOSTILE)):
        for i, pair in enumerate(pairs):
            margin = ((i * 7 + place * 3) % 11 - 4 + place) / 3
            outcome = (
                "missing" if model == "judge" and i < 2 else "win" if margin > 0 else "tie" if not margin else "loss"
            )
            scored = outcome != "missing"
            rows.append(
                {"model": model, "benchmark": "b", "chosen_score": margin if scored else None,
                 "rejected_score": 0.0 if scored else None, "outcome": outcome,
                 "missing_reason": None if scored else "too long", "truncated": False, "prompt_mode": "criterion"}
                | {name: pair[name] for name in ("id", "aspect", "language", "subset")}
            )  # fmt: skip
    write(rows, folder / "crb.parquet", "scores")
    ledgers = []
    for stage, scope, kept, dropped in (
        ("mine", "all", 500, {"merge commit": 300}), ("select", "all", 400, {"time window": 100}),
        ("retrieve", "train", 299, {"binary": 1}), ("retrieve", "benchmark", 100, {}),
        ("benchmark", "S", 80, {"too long": 15, HOSTILE: 5}), ("assemble_code", "train", 200, {"too long": 99}),
    ):  # fmt: skip
        ledger = records.Ledger(stage)
        ledger.keep(scope, kept)
        for reason, count in dropped.items():
            ledger.drop(reason, scope, count)
        ledgers.append(folder / f"{stage}.{scope}.parquet")
        ledger.write(ledgers[-1])
    records.gather(ledgers, folder / "attrition.parquet")
    metrics = [
        {
            "stage": f"train-{stage}",
            "subject": "themis-rm-135m",
            "metric": metric,
            "step": step,
            "value": 1 / (step + 1),
        }
        for stage in ("pretraining", "preference")
        for metric in ("loss", "accuracy")
        for step in range(12)
    ]
    metrics += [
        {"stage": "aspects", "subject": criterion, "metric": metric, "step": None, "value": value}
        for criterion in CRITERIA
        for metric, value in (("precision", 0.9), ("recall", 0.45), ("reached", 9.6), ("improving", 20.0))
    ]
    write(metrics, folder / "metrics.parquet", "metrics")
    return folder


def every_figure(folder):
    scores = inputs.read_scores(folder / "crb.parquet", folder / "benchmark.parquet")
    styles = drawing.marks(accuracy.model_names(scores))
    metrics = inputs.read_table(folder / "metrics.parquet", "metrics")
    pairs = inputs.read_table(folder / "benchmark.parquet", "benchmark")
    by = {name: accuracy.accuracy(scores, name, resamples=50) for name in ("aspect", "language")}
    yield "accuracy_by_criterion", by["aspect"], lambda: figures.accuracy_dots(by["aspect"], styles)
    yield "accuracy_by_language", by["language"], lambda: figures.accuracy_dots(by["language"], styles)
    yield "margins", scores, lambda: figures.margins(scores, styles)
    lines = training.curves(metrics)
    yield "training", lines, lambda: training_figures.training_curves(lines, training.LEARNED, styles)
    compared = training.comparison(metrics)
    yield "training comparison", compared, lambda: training_figures.comparison_dots(compared, styles)
    flow = attrition.flow(inputs.read_table(folder / "attrition.parquet", "attrition"))
    yield "attrition", flow, lambda: attrition_flow.flow_diagram(flow)
    counts = {"Training": composition.composition(pairs), "Benchmark": composition.composition(pairs)}
    yield "composition", counts["Training"], lambda: data_figures.counts(counts)
    lengths = {"Benchmark": composition.lengths(pairs)}
    yield "lengths", lengths["Benchmark"], lambda: data_figures.longer_dots(lengths)
    held_out = classifiers.held_out(metrics)
    yield "classifiers", held_out, lambda: data_figures.classifier_dots(held_out)
    many = many_models(folder)
    for name, crb in (("few", folder / "crb.parquet"), ("many", many)):
        yield from measured_figures(name, crb, None if name == "many" else folder / "benchmark.parquet", folder / name)
    for table in ("2", "3"):
        ablations = printed.ablations(table)
        yield f"ablations {table}", ablations, partial(heat_maps.printed_matrix, ablations, printed.TRAINED_ON)
    other = printed.printed_table("10")
    marks = drawing.marks(other["row"].unique(maintain_order=True).to_list())
    columns = [(name, name, "Score (%)") for name in ("RewardBench V1", "RewardBench V2", "JudgeBench")]
    yield "external", other, lambda: score_figures.quoted(other, columns, marks)


def many_models(folder):
    """All models of the registry on 240 pairs, as a study that imports runs has them: no texts, some ties."""
    source = np.random.default_rng(3)
    rows = []
    for place, model in enumerate(known_models()):
        chosen, rejected = source.normal(0.4 + place / 60, 1, 240), source.normal(0, 1, 240)
        if model.kind == "generative":
            chosen, rejected = np.round(chosen), np.round(rejected)
        for i, (a, b) in enumerate(zip(chosen, rejected, strict=True)):
            rows.append(
                {"model": model.name, "benchmark": "b", "id": f"{i:03d}", "chosen_score": a, "rejected_score": b,
                 "outcome": "win" if a > b else "tie" if a == b else "loss", "missing_reason": None,
                 "truncated": None, "prompt_mode": "imported", "aspect": CRITERIA[i % 5],
                 "language": list(LANGUAGES)[i % 8],
                 "subset": ("IN", "OUT")[i % 2]}
            )  # fmt: skip
    return write(rows, folder / "many.parquet", "scores")


def measured_figures(name, crb, benchmark, out):
    """Every figure that is drawn from the measures of a set of scores."""
    scores = inputs.read_scores(crb)
    found = measure(crb, out, benchmark=benchmark, trained_subsets=["IN"], resamples=100)
    styles = drawing.marks(accuracy.model_names(scores))
    by = {grouping: inputs.grouping(found["accuracy"], grouping) for grouping in ("aspect", "language", "family")}
    best = accuracy.best_of_families(by["aspect"], 5)
    ties = discrepancies.tie_corrections(scores)
    sized = criteria_figures.scaling_data(by["aspect"])
    draws = {
        "accuracy": (by["aspect"], partial(figures.accuracy_dots, by["aspect"], styles)),
        "margins": (scores, partial(figures.margins, scores, styles)),
        "scaling": (sized, partial(criteria_figures.scaling, sized, styles)),
        "ties": (ties, partial(criteria_figures.tie_handling, ties, styles)),
        "contamination": (by["family"], partial(criteria_figures.contamination, by["family"], styles)),
        "calibration": (
            found["calibration"],
            partial(criteria_figures.calibration, found["calibration"], found["reliability"], best, styles),
        ),
        "heat": (by["language"], partial(heat_maps.groups_by_model, by["language"])),
        "cells": (found["cells"], partial(heat_maps.cells_of_model, found["cells"], best[0])),
        "correlation": (
            found["criteria_correlation"],
            partial(heat_maps.criteria_correlation, found["criteria_correlation"]),
        ),
        "agreement": (found["agreement"], partial(heat_maps.agreement, found["agreement"])),
        "ranks": (found["ranks"], partial(score_figures.ranks, found["ranks"], styles)),
        "resolution": (found["resolution"], partial(score_figures.resolution, found["resolution"], styles)),
        "length": (found["length_bias"], partial(score_figures.length_bias, found["length_bias"], styles)),
    }
    for kind, (data, draw) in draws.items():
        yield f"{kind} of {name}", data, draw


def test_nothing_in_a_figure_is_cut_off_or_written_over(made, faults_of):
    assert not [f"{name}: {fault}" for name, _, draw in every_figure(made) for fault in faults_of(draw())]


def test_a_figure_is_the_same_bytes_each_time(made, tmp_path):
    data, draw = next((data, draw) for name, data, draw in every_figure(made) if name == "attrition")
    for folder in ("first", "second"):
        drawing.save(draw(), data, tmp_path / folder / "attrition")
    for form in ("svg", "pdf", "png", "csv"):
        first, second = ((tmp_path / folder / f"attrition.{form}").read_bytes() for folder in ("first", "second"))
        assert first == second, form
        assert not re.search(rb"CreationDate|<dc:date>|Software", first)


def test_a_model_looks_the_same_in_every_figure_and_like_no_other():
    models = [f"m{i}" for i in range(51)]
    styles = drawing.marks(models)
    assert len(set(styles.values())) == 51
    assert drawing.marks(models[:5])["m3"] == styles["m3"]


def test_a_family_has_one_mark_whatever_else_is_drawn():
    alone = drawing.marks(["Themis-RM-8B"])["Themis-RM-8B"]
    styles = drawing.marks([model.name for model in known_models()] + ["mine"])
    assert {styles[model.name] for model in known_models() if model.family == "Themis"} == {alone}
    assert len(set(styles.values())) == len({model.family for model in known_models()}) + 1


def test_precision_is_a_share_of_what_was_reached_and_recall_of_what_there_was(made):
    table = classifiers.held_out(inputs.read_table(made / "metrics.parquet", "metrics"))
    assert table.filter(pl.col("criterion") == CRITERIA[0]).select("metric", "n").rows() == [
        ("precision", 10),
        ("recall", 20),
    ]


def test_lengths_compare_the_two_responses(made):
    pairs = inputs.read_table(made / "benchmark.parquet", "benchmark")
    overall = composition.lengths(pairs).row(0, named=True)
    longer = sum(i % 7 > i % 5 for i in range(80))
    assert (overall["n"], overall["longer"], overall["equal"]) == (80, longer, sum(i % 7 == i % 5 for i in range(80)))
    assert composition.composition(pairs)["n"].sum() == 80


def test_tables_hold_all_numbers_and_survive_odd_names(made, tmp_path):
    scores = inputs.read_scores(made / "crb.parquet")
    table = accuracy.accuracy(scores, "aspect", resamples=50)
    tables.save(table, tables.accuracy_shown(table), tmp_path / "t")
    read = pl.read_csv(tmp_path / "t.csv")
    assert read.height == 3 * 7
    assert read["half_credit"].to_list() == pytest.approx(table["half_credit"].to_list(), abs=1e-6)
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(lines[0].split("|")) - 1}
    assert r"a\_b" in (tmp_path / "t.tex").read_text()


def test_a_share_takes_three_characters():
    assert [tables.share(value) for value in (0, 0.614, 0.999, 1)] == [".00", ".61", "1.0", "1.0"]


def test_the_summary_fits_a_page_and_says_where_the_report_is(made):
    out = io.StringIO()
    print_summary(made / "crb.parquet", made / "report.html", console=Console(file=out))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines if not line.startswith("Report:")) <= 100
    assert f"Report: {made / 'report.html'}" in lines
    table = accuracy.accuracy(inputs.read_scores(made / "crb.parquet"), "aspect")
    best = table.filter(pl.col("model") == "judge")
    shown = next(line for line in lines if line.startswith("judge"))
    for row in best.filter(pl.col("group") != "macro").iter_rows(named=True):
        assert tables.estimate(row["half_credit"], row["low"], row["high"]) in shown
    assert any("judge 2" in line and "Missing" in line for line in lines)
