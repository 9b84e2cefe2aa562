"""The ledger as a flow: every row has its place and its reason, and the diagram says every number."""

import polars as pl
import pytest
from matplotlib.text import Text

from themis import records
from themis.analysis import attrition, attrition_flow

# stage, scope, kept, dropped by reason: 1,000 commits, 12 problems of a benchmark and 32 for the general set.
CHAIN = [
    ("import", "run", 5, {}),
    ("mine", "all", 600, {"merge commit": 250, "bot": 150}),
    ("select", "all", 300, {"not merged": 100, "language not chosen": 200}),
    ("retrieve", "benchmark", 90, {"binary": 10}),
    ("retrieve", "train", 180, {"binary": 15, "costs $_{ or $5": 5}),
    ("deduplicate", "benchmark", 80, {"near-duplicate": 10}),
    ("deduplicate", "train", 140, {"near-duplicate": 40}),
    ("benchmark", "COMMITS", 75, {"too long": 5}),
    ("benchmark", "PROBLEMS", 10, {"too long": 1, "row cap": 1}),
    ("assemble_code", "train", 120, {"prompt overlaps the benchmark": 20}),
    ("assemble_general", "all", 100, {"row cap": 72}),
    ("train-preference", "all", 120, {}),
    ("score-m", "b", 85, {}),
]


def ledger_of(chain, folder):
    paths = []
    for place, (stage, scope, kept, dropped) in enumerate(chain):
        ledger = records.Ledger(stage)
        ledger.keep(scope, kept)
        for reason, rows in dropped.items():
            ledger.drop(reason, scope, rows)
        paths.append(folder / f"{place}.parquet")
        ledger.write(paths[-1])
    return pl.from_arrow(records.gather(paths, folder / "all.parquet"))


@pytest.fixture
def flow(tmp_path):
    return attrition.flow(ledger_of(CHAIN, tmp_path))


def test_every_stage_takes_what_the_one_before_it_kept(flow):
    stages = flow.unique(["lane", "stage"], maintain_order=True).select("lane", "stage", "after", "rows_in", "entered")
    assert stages.rows() == [
        ("shared", "mine", None, 1000, 0),
        ("shared", "select", "mine", 600, 0),
        ("benchmark", "retrieve", "select", 100, 0),
        ("train", "retrieve", "select", 200, 0),
        ("benchmark", "deduplicate", "retrieve", 90, 0),
        ("train", "deduplicate", "retrieve", 180, 0),
        ("benchmark", "benchmark", "deduplicate", 92, 12),
        ("train", "assemble_code", "deduplicate", 140, 0),
        ("train", "assemble_general", "deduplicate", 172, 32),
    ]
    sums = flow.group_by("lane", "stage").agg(pl.col("rows_in", "rows_kept").first(), pl.col("rows_dropped").sum())
    assert (sums["rows_in"] == sums["rows_kept"] + sums["rows_dropped"]).all()


def test_reasons_of_a_lane_are_summed_the_most_frequent_first(flow):
    mine = flow.filter(pl.col("stage") == "mine")
    assert mine["reason"].to_list() == ["merge commit", "bot"]
    benchmark = flow.filter(pl.col("stage") == "benchmark")
    assert dict(benchmark.select("reason", "rows_dropped").iter_rows()) == {"too long": 6, "row cap": 1}


def test_a_split_without_commits_makes_pairs_of_problems_alone(tmp_path):
    chain = [("mine", "all", 9, {}), ("select", "all", 9, {}), ("retrieve", "train", 9, {}), ("benchmark", "P", 4, {})]
    rows = attrition.flow(ledger_of(chain, tmp_path)).filter(pl.col("stage") == "benchmark")
    assert rows["entered"].to_list() == [4]


def test_the_diagram_says_every_number_and_every_reason(flow):
    figure = attrition_flow.flow_diagram(flow)
    said = {text.get_text() for text in figure.findobj(Text)}
    for row in flow.iter_rows(named=True):
        assert row["reason"] is None or f"{row['rows_dropped']:,} {row['reason']}" in said
    bars = {"Mining query: 1,000", "Contents: 100", "Contents: 200", "Assembly (benchmark): 92, 12 of them not commits"}
    assert bars | {"85 kept", "120 kept", "100 kept"} <= said


def scaled(factor):
    chain = [("mine", "all", 600, {f"reason {i} that has a long name in the ledger": 40 - i for i in range(15)})]
    return [
        (stage, scope, kept * factor, {reason: rows * factor for reason, rows in dropped.items()})
        for stage, scope, kept, dropped in chain + CHAIN[2:]
    ]


@pytest.mark.parametrize("chain", [CHAIN, CHAIN[:3], scaled(1), scaled(40_000)], ids=["all", "begun", "many", "paper"])
def test_the_diagram_is_legible(chain, tmp_path, faults_of):
    figure = attrition_flow.flow_diagram(attrition.flow(ledger_of(chain, tmp_path)))
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.findobj(Text) if text.get_text()]
    assert not [(a, b) for place, (a, one) in enumerate(boxes) for b, other in boxes[:place] if one.overlaps(other)]
    assert not faults_of(figure)


def test_of_many_reasons_the_last_are_summed_up(tmp_path):
    flow = attrition.flow(ledger_of(scaled(1)[:1], tmp_path))
    said = [text.get_text() for text in attrition_flow.flow_diagram(flow).findobj(Text)]
    assert f"{sum(40 - i for i in range(7, 15))} 8 other reasons" in said


@pytest.mark.parametrize(
    "chain",
    [
        [],
        [("mine", "all", 0, {})],
        [("mine", "all", 0, {"bot": 3}), ("select", "all", 0, {}), ("benchmark", "P", 2, {})],
    ],
    ids=["no ledger", "no commits", "none kept"],
)
def test_a_chain_that_kept_nothing_is_drawn_or_said(chain, tmp_path, faults_of):
    flow = attrition.flow(ledger_of(chain, tmp_path))
    assert not faults_of(attrition_flow.flow_diagram(flow))
