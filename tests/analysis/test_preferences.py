"""How the preference sets came about, counted by hand from small tables."""

import polars as pl
import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint

from themis import records
from themis.analysis import examples, preference_figures, preferences
from themis.vocabulary import CODE_CRITERIA


@pytest.fixture
def ledger():
    made = records.Ledger("assemble_code")
    made.keep("commits", 6)
    made.drop("too long", "commits", 3)
    made.drop("identical", "commits", 1)
    made.keep("bugs", 4)
    made.keep("nothing", 0)
    other = records.Ledger("deduplicate")
    other.drop("elsewhere", "train", 9)
    return pl.concat([pl.from_arrow(made.table()), pl.from_arrow(other.table())])


@pytest.fixture
def lengths():
    rows = [
        ("code", "before", "commits", "security_hardness", "Go", 6, 1, 2),
        ("code", "before", "bugs", "security_hardness", "C", 1, 0, 1),
        ("code", "after", "commits", "security_hardness", "Go", 2, 1, 2),
        ("benchmark", "before", "S", "memory_efficiency", "Go", 0, 4, 0),
    ]
    return pl.DataFrame(rows, schema=records.SCHEMAS["lengths"].names, orient="row")


@pytest.fixture
def metrics():
    cells = [("all", 0.5), ("Go", 0.4), ("memory_efficiency", None), ("memory_efficiency/Go", 0.9)]
    rows = [
        ("review", name, metric, None, value)
        for name, alpha in cells
        for metric, value in (("kept", 3.0), ("alpha_interval", alpha))
    ]
    rows += [("review", "r ~ q", "weighted_kappa", None, 0.1), ("review", "r", "rated", None, 9.0)]
    rows += [
        ("judge", "j", "votes", None, 8.0),
        ("judge", "j", "position_bias", None, 0.75),
        ("judge", "all", "pairs", None, 4.0),
    ]
    return pl.DataFrame(rows, schema=records.SCHEMAS["metrics"].names, orient="row")


def test_yields_add_up_and_rare_reasons_are_put_together(ledger, monkeypatch):
    monkeypatch.setattr(preferences, "_REASONS", 1)
    found = preferences.yields(ledger)
    assert found.select("set", "source", "rows_in", "outcome", "rows").rows() == [
        ("Code set", "commits", 10, "kept", 6),
        ("Code set", "commits", 10, "too long", 3),
        ("Code set", "commits", 10, "other reasons", 1),
        ("Code set", "bugs", 4, "kept", 4),
    ]


def test_the_longer_is_counted_among_those_that_differ(lengths):
    found = preferences.longer(lengths)
    cells = {(row["by"], row["set"], row["moment"], row["group"]): row for row in found.iter_rows(named=True)}
    for by in ("source", "aspect", "language"):
        whole = cells[by, "code", "before", "overall"]
        assert (whole["longer"], whole["equal"], whole["shorter"], whole["share"]) == (7, 1, 3, 0.7)
        assert (whole["low"], whole["high"]) == pytest.approx(proportion_confint(7, 10, method="wilson"))
    assert cells["source", "code", "before", "commits"]["share"] == 0.75
    assert cells["aspect", "code", "after", "security_hardness"]["share"] == 0.5
    assert cells["language", "benchmark", "before", "Go"]["share"] is None
    assert found.filter(pl.col("by") == "language")["group"].unique(maintain_order=True).to_list() == [
        "overall",
        "C",
        "Go",
    ]


def test_agreement_and_judges_are_read_from_the_metrics(metrics):
    agreed = preferences.agreement(metrics)
    assert agreed.select("kind", "group", "alpha_interval").rows() == [
        ("all", "overall", 0.5), ("criterion", "memory_efficiency", None), ("language", "Go", 0.4),
    ]  # fmt: skip
    assert preferences.judges(metrics).select("judge", "position_bias", "tie_share").rows() == [("j", 0.75, None)]


def test_ratings_and_sizes_fall_into_their_bins(tmp_path):
    given = [1.0, 1.24, 1.25, 4.99, 5.0, None]
    rows = [
        dict.fromkeys(records.SCHEMAS["reviews"].names)
        | {"id": f"{at}", "reviewer": "r", "criterion": "c", "sample": 0, "rating": one}
        for at, one in enumerate(given)
    ]
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["reviews"]), tmp_path / "r.parquet", "reviews")
    assert preferences.ratings([tmp_path / "r.parquet"]).rows() == [
        ("r", 1.0, 1.25, 2),
        ("r", 1.25, 1.5, 1),
        ("r", 4.75, 5.0, 2),
    ]
    path = pairs(tmp_path, [("", "x"), ("ää", "x" * 7), ("x" * 8, "x")])
    assert preferences.sizes({"code": path}).rows() == [
        ("code", "chosen", 0, 1, 1), ("code", "chosen", 2, 4, 1), ("code", "chosen", 8, 16, 1),
        ("code", "rejected", 1, 2, 2), ("code", "rejected", 4, 8, 1),
    ]  # fmt: skip


def test_examples_take_the_criteria_in_turn_and_escape_what_is_mined(tmp_path):
    path = pairs(tmp_path, [(f"a\n<script>{at}</script>\n", "a\nb\n") for at in range(9)])
    page = examples.preferences(path, 3, seed=1)
    assert page.count('class="comparison"') == 3
    assert all(
        f">{label}: commits<" in page for label in ("Functional correctness", "Runtime efficiency", "Memory efficiency")
    )
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert page == examples.preferences(path, 3, seed=1) != examples.preferences(path, 3, seed=2)


def test_the_answer_says_only_what_is_known(ledger, lengths, metrics):
    flow, shares = preferences.yields(ledger), preferences.longer(lengths)
    said = preferences.answer(flow, shares, preferences.agreement(metrics), preferences.judges(metrics))
    assert said == (
        "Pairs kept: 10 of 14 (code set). Of those that differ in length, chosen is the longer in 70% (code set, 50% after"
        " balancing). Krippendorff's alpha of the reviewers is 0.50. j votes for the reply shown first in 75% of its votes"
        " for either."
    )
    empty = [table.clear() for table in (ledger, lengths, metrics)]
    nothing = [
        preferences.yields(empty[0]),
        preferences.longer(empty[1]),
        preferences.agreement(empty[2]),
        preferences.judges(empty[2]),
    ]
    assert preferences.answer(*nothing) == "No pairs were assembled."
    for draw, table in zip(("yields", "longer", "agreement", "judges"), nothing, strict=True):
        assert len(getattr(preference_figures, draw)(table).axes) == 0  # a message, not an empty frame


def pairs(folder, texts):
    rows = [
        {
            "system": None, "input": f"ask {at}", "chosen": chosen, "rejected": rejected, "language": "Go",
            "aspect": CODE_CRITERIA[at % 3].value, "source": "commits", "idx": f"{at}",
        }
        for at, (chosen, rejected) in enumerate(texts)
    ]  # fmt: skip
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["preferences"]), folder / "code.parquet", "preferences")
    return folder / "code.parquet"
