"""Figures, tables, summary and report of a small made-up result set: legible, reproducible, complete, safe."""

import html.parser
import io
import itertools
import re

import polars as pl
import pytest
from matplotlib.text import Text
from rich.console import Console

from themis import records
from themis.analysis import (
    accuracy,
    attrition,
    classifiers,
    composition,
    data_figures,
    drawing,
    figures,
    inputs,
    tables,
)
from themis.analysis.report import write_report
from themis.analysis.summary import print_summary
from themis.errors import Problem
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
                 "missing_reason": None if scored else "too long", "prompt_mode": "criterion"}
                | {name: pair[name] for name in ("id", "aspect", "language", "subset")}
            )  # fmt: skip
    write(rows, folder / "crb.parquet", "scores")
    ledgers = []
    for stage, scope, kept, dropped in (
        ("mine", "all", 500, {"merge commit": 300}), ("select", "all", 400, {"time window": 100}),
        ("retrieve", "train", 299, {"binary": 1}), ("retrieve", "benchmark", 100, {}),
        ("benchmark", "S", 80, {"too long": 15, HOSTILE: 5}), ("assemble-code", "train", 200, {"too long": 99}),
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
        for metric, value in (("precision", 0.9), ("recall", 0.45), ("held_out_positives", 20.0))
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
    yield "training", metrics, lambda: figures.training_curves(metrics, styles)
    funnel = attrition.funnel(inputs.read_table(folder / "attrition.parquet", "attrition"))
    yield "attrition", funnel, lambda: data_figures.funnel(funnel)
    counts = {"Training": composition.composition(pairs), "Benchmark": composition.composition(pairs)}
    yield "composition", counts["Training"], lambda: data_figures.counts(counts)
    lengths = {"Benchmark": composition.lengths(pairs)}
    yield "lengths", lengths["Benchmark"], lambda: data_figures.longer_dots(lengths)
    held_out = classifiers.held_out(metrics)
    yield "classifiers", held_out, lambda: data_figures.classifier_dots(held_out)


@pytest.fixture(scope="module")
def drawn(made):
    """Every figure, laid out, by name; with its data and how it is drawn."""
    found = {name: (draw(), data, draw) for name, data, draw in every_figure(made)}
    for figure, _, _ in found.values():
        with drawing.style():
            figure.draw_without_rendering()
    return found


def test_nothing_in_a_figure_is_cut_off_or_written_over(drawn):
    for name, (figure, _, _) in drawn.items():
        frame = figure.bbox.padded(1)
        for axis in figure.axes:
            for ticks in (axis.get_xticklabels(), axis.get_yticklabels()):
                boxes = [tick.get_window_extent() for tick in ticks if tick.get_visible() and tick.get_text()]
                for first, second in itertools.pairwise(boxes):
                    assert not first.overlaps(second), f"{name}: tick labels overlap"
        titles = [axis.title.get_window_extent() for axis in figure.axes if axis.title.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(titles) for b in titles[:i]), f"{name}: titles overlap"
        for text in figure.findobj(Text):
            if text.get_visible() and text.get_text().strip() and text.get_figure() is not None:
                box = text.get_window_extent()
                on_ticks = any(text in axis.get_xticklabels() + axis.get_yticklabels() for axis in figure.axes)
                if not on_ticks:
                    assert frame.x0 <= box.x0 and box.x1 <= frame.x1, f"{name}: {text.get_text()!r} is cut off"
                    assert frame.y0 <= box.y0 and box.y1 <= frame.y1, f"{name}: {text.get_text()!r} is cut off"


def test_a_figure_is_the_same_bytes_each_time(made, drawn, tmp_path):
    for name in ("attrition",):
        _, data, draw = drawn[name]
        for folder in ("first", "second"):
            drawing.save(draw(), data, tmp_path / folder / name)
        for form in ("svg", "pdf", "png", "csv"):
            first, second = ((tmp_path / folder / f"{name}.{form}").read_bytes() for folder in ("first", "second"))
            assert first == second, f"{name}.{form}"
            assert not re.search(rb"CreationDate|<dc:date>|Software", first)


def test_a_model_looks_the_same_in_every_figure_and_like_no_other():
    models = [f"m{i}" for i in range(51)]
    styles = drawing.marks(models)
    assert len(set(styles.values())) == 51
    assert drawing.marks(models[:5])["m3"] == styles["m3"]


def test_rows_of_the_funnel_add_up_and_every_stage_has_its_place(made):
    funnel = attrition.funnel(inputs.read_table(made / "attrition.parquet", "attrition"))
    assert (funnel["rows_in"] == funnel["rows_kept"] + funnel["rows_dropped"]).all()
    stages = {split: funnel.filter(pl.col("split") == split)["stage"].to_list() for split in ("train", "benchmark")}
    assert stages["train"] == ["mine", "select", "retrieve", "assemble-code"]
    assert stages["benchmark"] == ["mine", "select", "retrieve", "benchmark"]


def test_precision_is_a_share_of_what_was_picked_and_recall_of_what_there_was(made):
    table = classifiers.held_out(inputs.read_table(made / "metrics.parquet", "metrics"))
    # 9 of 20 found at a precision of 0.9: 10 were picked
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


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.links = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_page_that_needs_nothing_else(made, tmp_path):
    pictures = ("accuracy_by_criterion", "accuracy_by_language", "margins", "attrition", "lengths")
    for name in pictures:
        (tmp_path / f"{name}.svg").write_text("<svg/>")
    out = tmp_path / "results" / "report.html"
    paths = {"crb": made / "crb.parquet", "attrition": made / "attrition.parquet"}
    paths |= {"benchmark": made / "benchmark.parquet", "figures": tmp_path}
    notebooks = [tmp_path / "results" / "notebooks" / "crb.html"]
    write_report(out, **paths, notebooks=notebooks)
    text = out.read_text()
    page = Page(text)
    assert not page.open
    assert "script" not in page.tags and HOSTILE not in text and "&lt;script&gt;" in text
    assert sum(link.startswith("data:image/svg+xml") for link in page.links) == len(pictures)
    assert [link for link in page.links if not link.startswith("data:")] == ["notebooks/crb.html"]
    assert "merge commit: 300" in text
    assert str(tmp_path) not in text
    first = out.read_bytes()
    write_report(out, **paths, notebooks=notebooks)
    assert out.read_bytes() == first


def test_a_report_without_its_figures_is_not_written(made, tmp_path):
    with pytest.raises(Problem, match=r"accuracy_by_criterion\.svg: no such figure"):
        write_report(
            tmp_path / "report.html",
            crb=made / "crb.parquet",
            attrition=made / "attrition.parquet",
            benchmark=made / "benchmark.parquet",
            figures=tmp_path,
        )
    assert not (tmp_path / "report.html").exists()
